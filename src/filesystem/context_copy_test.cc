#include "filesystem/context_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sys/unique_fd.h"

namespace nucleus::filesystem {
namespace {

namespace fs = std::filesystem;

constexpr timespec kThen = {.tv_sec = 1'000'000'000, .tv_nsec = 123'456'789};

class ContextCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "nucleus_copy_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    source_ = top_ / "source";
    target_ = top_ / "target";
    fs::create_directory(source_);
    fs::create_directory(target_);
  }

  void TearDown() override {
    // Without write permission in a directory, its entries could not be removed.
    std::error_code ignored;
    for (auto it = fs::recursive_directory_iterator(top_, ignored);
         it != fs::recursive_directory_iterator(); it.increment(ignored)) {
      if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
        ::chmod(it->path().c_str(), 0700);
      }
    }
    // Not remove_all(), which keeps a descriptor open for every level of a deep tree.
    const std::string command = "rm -rf '" + top_.string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  static void write(const fs::path& path, const std::string& text, mode_t mode = 0644) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
  }

  static std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static struct stat status(const fs::path& path) {
    struct stat status = {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
  }

  static void set_time(const fs::path& path) {
    const timespec times[2] = {kThen, kThen};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }

  static void expect_time(const fs::path& path) {
    EXPECT_EQ(status(path).st_mtim.tv_sec, kThen.tv_sec) << path;
    EXPECT_EQ(status(path).st_mtim.tv_nsec, kThen.tv_nsec) << path;
  }

  Result<CopyReport> copy(const CopyLimits& limits = {}, const NameFilter& filter = NameFilter()) {
    const sys::UniqueFd source(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const sys::UniqueFd target(::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return copy_tree(source.get(), target.get(), filter, limits);
  }

  fs::path top_;
  fs::path source_;
  fs::path target_;
};

TEST_F(ContextCopy, CopiesNestedTree) {
  write(source_ / "a" / "b" / "c.txt", "deep");
  write(source_ / "empty", "");
  write(source_ / "tool", "#!/bin/sh\n", 0755);
  fs::create_directories(source_ / "a" / "hollow");
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->files, 3U);
  EXPECT_EQ(report->directories, 3U);
  EXPECT_EQ(report->bytes, 14U);
  EXPECT_EQ(report->left_out_total, 0U);
  EXPECT_EQ(read(target_ / "a" / "b" / "c.txt"), "deep");
  EXPECT_EQ(status(target_ / "empty").st_size, 0);
  EXPECT_EQ(status(target_ / "tool").st_mode & 07777, 0755U);
  EXPECT_TRUE(fs::is_directory(target_ / "a" / "hollow"));
}

TEST_F(ContextCopy, KeepsTimes) {
  write(source_ / "d" / "e" / "f", "x");
  fs::create_symlink("f", source_ / "d" / "l");
  for (const char* name : {"d/e/f", "d/e", "d/l", "d"}) set_time(source_ / name);
  ASSERT_TRUE(copy());
  for (const char* name : {"d/e/f", "d/e", "d/l", "d"}) expect_time(target_ / name);
}

TEST_F(ContextCopy, KeepsModesWhateverTheUmask) {
  write(source_ / "open", "x", 0666);
  write(source_ / "shut", "x", 0400);
  fs::create_directory(source_ / "sticky");
  ::chmod((source_ / "sticky").c_str(), 01777);
  const mode_t old = ::umask(077);
  const auto report = copy();
  EXPECT_EQ(::umask(old), 077U) << "the umask has to be restored";
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(status(target_ / "open").st_mode & 07777, 0666U);
  EXPECT_EQ(status(target_ / "shut").st_mode & 07777, 0400U);
  EXPECT_EQ(status(target_ / "sticky").st_mode & 07777, 01777U);
}

TEST_F(ContextCopy, DropsSetIdBitsOfFiles) {
  write(source_ / "suid", "x", 06755);
  ASSERT_EQ(status(source_ / "suid").st_mode & 07777, 06755U);
  ASSERT_TRUE(copy());
  EXPECT_EQ(status(target_ / "suid").st_mode & 07777, 0755U);
}

TEST_F(ContextCopy, SymbolicLinkStaysLink) {
  fs::create_symlink("/etc/passwd", source_ / "accounts");
  fs::create_symlink("/etc", source_ / "config");
  fs::create_symlink("nowhere", source_ / "dangling");
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->symlinks, 3U);
  EXPECT_EQ(report->files, 0U);
  EXPECT_TRUE(fs::is_symlink(target_ / "accounts"));
  EXPECT_EQ(fs::read_symlink(target_ / "accounts"), "/etc/passwd");
  EXPECT_EQ(fs::read_symlink(target_ / "config"), "/etc");
  EXPECT_EQ(fs::read_symlink(target_ / "dangling"), "nowhere");
}

TEST_F(ContextCopy, RefusesFifo) {
  fs::create_directory(source_ / "d");
  ASSERT_EQ(::mkfifo((source_ / "d" / "pipe").c_str(), 0600), 0);
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->refused_total, 1U);
  EXPECT_EQ(report->refused_specials, std::vector<std::string>{"d/pipe"});
  EXPECT_FALSE(fs::exists(target_ / "d" / "pipe"));
}

TEST_F(ContextCopy, SparseFileStaysSparse) {
  constexpr off_t kSize = off_t{64} << 20;
  constexpr off_t kMiddle = off_t{32} << 20;
  {
    const sys::UniqueFd file(
        ::open((source_ / "sparse").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_EQ(::pwrite(file.get(), "middle", 6, kMiddle), 6);
    ASSERT_EQ(::ftruncate(file.get(), kSize), 0);
  }
  // The holes do not count, so that a small limit suffices.
  const auto report = copy({.max_bytes = 1 << 20});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(status(target_ / "sparse").st_size, kSize);
  EXPECT_LT(status(target_ / "sparse").st_blocks, 4096);
  EXPECT_EQ(read(target_ / "sparse"), read(source_ / "sparse"));
}

TEST_F(ContextCopy, SparseFileWithoutData) {
  write(source_ / "hole", "");
  ASSERT_EQ(::truncate((source_ / "hole").c_str(), off_t{1} << 30), 0);
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->bytes, 0U);
  EXPECT_EQ(status(target_ / "hole").st_size, off_t{1} << 30);
}

TEST_F(ContextCopy, CopiesLargeFileWithinAndAcrossFileSystems) {
  std::string text(std::size_t{5} << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 4093);
  write(source_ / "large", text);
  ASSERT_TRUE(copy());
  EXPECT_EQ(read(target_ / "large"), text);

  std::string name = "/dev/shm/nucleus_copy_XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) GTEST_SKIP() << "no /dev/shm";
  const sys::UniqueFd source(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const sys::UniqueFd target(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto report = copy_tree(source.get(), target.get(), NameFilter(), {});
  const std::string copied = read(fs::path(name) / "large");
  fs::remove_all(name);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(copied, text);
}

TEST_F(ContextCopy, LeavesOutNamesThatTendToHoldSecrets) {
  write(source_ / ".env", "TOKEN=1");
  write(source_ / ".env.example", "TOKEN=");
  write(source_ / "d" / "ca.pem", "x");
  write(source_ / ".ssh" / "id_rsa", "x");
  auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->left_out_total, 3U);
  EXPECT_EQ(report->left_out, (std::vector<std::string>{".env", ".ssh", "d/ca.pem"}));
  EXPECT_TRUE(fs::exists(target_ / ".env.example"));
  EXPECT_FALSE(fs::exists(target_ / ".env"));
  EXPECT_FALSE(fs::exists(target_ / ".ssh"));
  EXPECT_FALSE(fs::exists(target_ / "d" / "ca.pem"));
}

TEST_F(ContextCopy, CopiesNamesLetThroughAgain) {
  write(source_ / ".env", "TOKEN=1");
  write(source_ / "ca.pem", "x");
  const auto report = copy({}, NameFilter({"*.pem"}));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->left_out, std::vector<std::string>{".env"});
  EXPECT_EQ(read(target_ / "ca.pem"), "x");
}

TEST_F(ContextCopy, ReportsAtMostTwentyPaths) {
  for (int i = 0; i < 30; ++i) write(source_ / (std::to_string(i) + ".key"), "x");
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->left_out.size(), 20U);
  EXPECT_EQ(report->left_out_total, 30U);
}

TEST_F(ContextCopy, FindsWhatWouldBeLeftOut) {
  write(source_ / ".env", "x");
  write(source_ / "d" / "e" / "a.key", "x");
  write(source_ / "d" / ".ssh" / "id_rsa", "x");
  write(source_ / "d" / "f", "x");
  fs::create_directory_symlink("/etc", source_ / "link");
  const sys::UniqueFd source(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto found = find_left_out(source.get(), NameFilter(), 100);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].path, ".env");
  EXPECT_FALSE((*found)[0].directory);
  EXPECT_EQ((*found)[1].path, "d/.ssh");
  EXPECT_TRUE((*found)[1].directory);
  EXPECT_EQ((*found)[2].path, "d/e/a.key");
  EXPECT_EQ(find_left_out(source.get(), NameFilter(), 2)->size(), 2U);
  EXPECT_TRUE(find_left_out(source.get(), NameFilter({"*"}), 100)->empty());
}

TEST_F(ContextCopy, LimitOfBytesNamesFileAndLimit) {
  write(source_ / "d" / "big", std::string(5000, 'x'));
  const auto report = copy({.max_bytes = 4999});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().subject, "d/big");
  EXPECT_NE(report.error().hint.find("4999"), std::string::npos);
  EXPECT_NE(report.error().hint.find("raise the limit"), std::string::npos);
}

TEST_F(ContextCopy, LimitOfBytesMayBeReached) {
  write(source_ / "big", std::string(5000, 'x'));
  EXPECT_TRUE(copy({.max_bytes = 5000}));
}

TEST_F(ContextCopy, LimitOfFiles) {
  for (int i = 0; i < 5; ++i) write(source_ / std::to_string(i), "x");
  const auto report = copy({.max_files = 4});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().hint.find("more than 4 files"), std::string::npos);
}

TEST_F(ContextCopy, LimitOfFilesWithWorkers) {
  for (int i = 0; i < 2000; ++i) write(source_ / ("f" + std::to_string(i)), "x");
  EXPECT_FALSE(copy({.max_files = 1500}));
}

TEST_F(ContextCopy, LimitOfDepthNamesPath) {
  write(source_ / "a" / "b" / "c" / "f", "x");
  const auto report = copy({.max_depth = 2});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().subject, "a/b/c");
  EXPECT_NE(report.error().hint.find("limit of 2"), std::string::npos);
}

TEST_F(ContextCopy, DeepTreeNeedsFewDescriptorsAndPassesPathMax) {
  const std::string name(200, 'n');
  sys::UniqueFd here(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::mkdirat(here.get(), name.c_str(), 0755), 0);
    here = sys::UniqueFd(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  const sys::UniqueFd file(::openat(here.get(), "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(file.valid());
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->directories, 100U);
  EXPECT_EQ(report->files, 1U);
  const auto too_deep = copy({.max_depth = 50});
  EXPECT_FALSE(too_deep);
}

TEST_F(ContextCopy, UnreadableFileIsNamed) {
  write(source_ / "d" / "private", "x", 0);
  // Root reads everything: what root may override is given up for the time of the copy.
  for (const fs::path& path : {top_, source_, target_}) ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  const bool root = ::geteuid() == 0;
  if (root) ::setfsuid(65534);
  const auto report = copy();
  if (root) ::setfsuid(0);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().subject, "d/private");
  EXPECT_EQ(report.error().errnum, EACCES);
}

TEST_F(ContextCopy, NameWithNewline) {
  write(source_ / "line\nbreak" / "a\nb", "x");
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(read(target_ / "line\nbreak" / "a\nb"), "x");
}

TEST_F(ContextCopy, ReadOnlyDirectoryIsFilled) {
  write(source_ / "r" / "s" / "f", "x");
  write(source_ / "r" / "g", "y");
  for (const char* name : {"r/s", "r"}) {
    ::chmod((source_ / name).c_str(), 0555);
    set_time(source_ / name);
  }
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(read(target_ / "r" / "s" / "f"), "x");
  EXPECT_EQ(read(target_ / "r" / "g"), "y");
  for (const char* name : {"r/s", "r"}) {
    EXPECT_EQ(status(target_ / name).st_mode & 07777, 0555U);
    expect_time(target_ / name);
  }
}

TEST_F(ContextCopy, ManyFilesWithWorkers) {
  std::size_t bytes = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text(static_cast<std::size_t>(i), 'x');
    bytes += text.size();
    write(source_ / ("d" + std::to_string(i % 7)) / std::to_string(i), text);
  }
  for (int i = 0; i < 7; ++i) {
    const fs::path path = source_ / ("d" + std::to_string(i));
    ::chmod(path.c_str(), 0500);
    set_time(path);
  }
  const auto report = copy();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->files, 3000U);
  EXPECT_EQ(report->bytes, bytes);
  for (int i = 0; i < 3000; ++i) {
    const fs::path name = fs::path("d" + std::to_string(i % 7)) / std::to_string(i);
    ASSERT_EQ(status(target_ / name).st_size, i);
  }
  for (int i = 0; i < 7; ++i) {
    const fs::path path = target_ / ("d" + std::to_string(i));
    expect_time(path);
    EXPECT_EQ(status(path).st_mode & 07777, 0500U);
  }
}

TEST_F(ContextCopy, ExistingTargetIsRefused) {
  write(source_ / "f", "new");
  write(target_ / "f", "old");
  const auto report = copy();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().errnum, EEXIST);
  EXPECT_EQ(read(target_ / "f"), "old");
}

TEST_F(ContextCopy, TargetInsideSourceIsRefused) {
  target_ = source_ / "inside";
  fs::create_directory(target_);
  EXPECT_FALSE(copy());
}

TEST_F(ContextCopy, LinkPlantedInTargetIsNotFollowed) {
  write(source_ / "f", "new");
  write(top_ / "victim", "old");
  fs::create_symlink(top_ / "victim", target_ / "f");
  EXPECT_FALSE(copy());
  EXPECT_EQ(read(top_ / "victim"), "old");
}

TEST_F(ContextCopy, CountsWhatItDoesAsItGoes) {
  write(source_ / "one", "1234");
  fs::create_directory(source_ / "directory");
  const sys::UniqueFd source(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const sys::UniqueFd target(::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CopyProgress progress;
  ASSERT_TRUE(copy_tree(source.get(), target.get(), NameFilter(), {}, &progress));
  EXPECT_EQ(progress.entries, 2U);
  EXPECT_EQ(progress.bytes, 4U);
}

TEST_F(ContextCopy, ALimitNamesItsCure) {
  write(source_ / "file", std::string(2000, 'x'));
  const auto copied = copy({.max_bytes = 1024, .cure = "raise --context-size"});
  ASSERT_FALSE(copied);
  EXPECT_NE(copied.error().hint.find("1 KiB"), std::string::npos) << copied.error().hint;
  EXPECT_NE(copied.error().hint.find("raise --context-size"), std::string::npos);
}

}  // namespace
}  // namespace nucleus::filesystem
