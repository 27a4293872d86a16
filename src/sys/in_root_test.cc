#include "sys/in_root.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace nucleus::sys {
namespace {

namespace fs = std::filesystem;

class InRoot : public testing::Test {
 protected:
  InRoot() {
    std::string made = "/tmp/nucleus-in-root-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) std::abort();
    base_ = made;
    std::ofstream(base_ + "/outside") << "secret";
    root_ = base_ + "/root";
    fs::create_directories(root_ + "/a/b/c");
    std::ofstream(root_ + "/a/b/file") << "inside";
    std::ofstream(root_ + "/outside") << "own";
    for (const auto& [name, text] : std::initializer_list<std::pair<const char*, const char*>>{
             {"up", "../../../outside"},
             {"absolute", "/a/b/file"},
             {"a/b/link", "../../a/./b//file"},
             {"a/dir", "/a/b/"},
             {"loop", "loop"},
             {"one", "two"},
             {"two", "one"},
             {"dangling", "/a/new"},
             {"out", "/outside"},
             {"self", "."},
             {"a/climb", "b/../../../../a"}})
      fs::create_symlink(text, root_ + "/" + name);
    fd_ = ::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  ~InRoot() override {
    ::close(fd_);
    fs::remove_all(base_);
  }

  static std::string reached(long fd) {
    if (fd < 0) return "errno " + std::to_string(-fd);
    std::string path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    ::close(static_cast<int>(fd));
    return path;
  }
  long kernel(const char* path, long flags, long mode = 0) const {
    open_how how{};
    how.flags = static_cast<__u64>(flags | O_CLOEXEC);
    how.mode = static_cast<__u64>(mode);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return raw::call(__NR_openat2, fd_, raw::address(path), raw::address(&how), sizeof how);
  }
  long walk(const char* path, long flags, long mode = 0) const {
    return RootWalk(fd_, false).open(path, flags, mode);
  }

  std::string base_, root_;
  int fd_ = -1;
};

TEST_F(InRoot, TheWalkGoesWhereTheKernelGoes) {
  if (kernel(".", O_PATH) == -ENOSYS) GTEST_SKIP() << "openat2(2) is missing: nothing to compare";
  const char* const paths[] = {".",
                               "/",
                               "a",
                               "a/",
                               "/a/b/../b/c",
                               "..",
                               "../..",
                               "../a",
                               "a/b/file",
                               "a/b/file/",
                               "a/b/file/x",
                               "absolute",
                               "absolute/",
                               "up",
                               "a/b/link",
                               "a/dir/file",
                               "a/dir/../b",
                               "a/dir",
                               "loop",
                               "one/x",
                               "dangling",
                               "dangling/x",
                               "missing",
                               "missing/..",
                               "out",
                               "self/self",
                               "a/climb/b/c",
                               "a/climb/b/c/../../../..",
                               "",
                               "a//b///c",
                               "a/./b/."};
  const long flags[] = {O_PATH,   O_PATH | O_DIRECTORY,  O_PATH | O_NOFOLLOW,
                        O_RDONLY, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY,
                        O_WRONLY};
  for (const char* path : paths) {
    for (const long flag : flags)
      EXPECT_EQ(reached(walk(path, flag)), reached(kernel(path, flag))) << path << " " << flag;
  }
}

TEST_F(InRoot, TheWalkMakesFilesInside) {
  for (const char* path : {"fresh", "a/dir/fresh", "dangling", "../../fresh2", "outside"}) {
    const std::string made = reached(walk(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    EXPECT_TRUE(made.starts_with(root_ + "/")) << path << " " << made;
  }
  EXPECT_EQ(reached(walk("nowhere/fresh", O_WRONLY | O_CREAT, 0600)), "errno 2");
  EXPECT_EQ(reached(walk("a", O_WRONLY | O_CREAT, 0600)), "errno 21");
  EXPECT_EQ(fs::file_size(base_ + "/outside"), 6U);
  EXPECT_TRUE(fs::exists(root_ + "/a/new"));
}

TEST_F(InRoot, TheWalkTakesNoPathTooLongAndLeavesNoDescriptor) {
  const int before = ::dup(fd_);
  ::close(before);
  std::string path;
  while (path.size() < 4000) path += "a/../";
  EXPECT_EQ(reached(walk((path + "a").c_str(), O_PATH)), root_ + "/a");
  while (path.size() < 5000) path += "a/../";
  EXPECT_EQ(walk(path.c_str(), O_PATH), -ENAMETOOLONG);
  EXPECT_EQ(walk("a/b/file/x", O_PATH), -ENOTDIR);
  const int after = ::dup(fd_);
  ::close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace nucleus::sys
