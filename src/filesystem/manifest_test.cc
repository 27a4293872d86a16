#include "filesystem/manifest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "filesystem/context_copy.h"
#include "sys/unique_fd.h"

namespace nucleus::filesystem {
namespace {

namespace fs = std::filesystem;

class Manifests : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "manifest-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    fs::create_directories(top_ / "a/deep");
    fs::create_directory(top_ / "b");
    write("a/file", "one");
    write("a/deep/er", std::string(300'000, 'x'));
    write("a/.env", "TOKEN=1");
    fs::create_symlink("file", top_ / "a/link");
    ::chmod((top_ / "a/file").c_str(), 04755);
  }
  void TearDown() override { fs::remove_all(top_); }
  void write(const std::string& path, const std::string& text) const {
    std::ofstream(top_ / path) << text;
  }
  Manifest read(const std::string& path, const NameFilter& filter = {}) const {
    const sys::UniqueFd fd(::open((top_ / path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto manifest = read_manifest(fd.get(), filter, false);
    EXPECT_TRUE(manifest);
    return manifest ? *manifest : Manifest();
  }
  fs::path top_;
};

TEST_F(Manifests, ACopyHasThatOfItsOriginal) {
  const sys::UniqueFd from(::open((top_ / "a").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const sys::UniqueFd to(::open((top_ / "b").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(copy_tree(from.get(), to.get(), NameFilter(), {}));
  const Manifest original = read("a");
  const Manifest copy = read("b", NameFilter({"*"}));
  EXPECT_EQ(original.entries.size(), 4U);
  EXPECT_EQ(first_difference(original, copy), "");
  EXPECT_EQ(original.digest(), copy.digest());
}

TEST_F(Manifests, EveryChangeIsSeen) {
  const Manifest before = read("a");
  const auto seen = [&] {
    const Manifest now = read("a");
    EXPECT_NE(now.digest(), before.digest());
    return first_difference(before, now);
  };
  write("a/file", "two");
  EXPECT_EQ(seen(), "file has changed");
  write("a/file", "one");
  EXPECT_EQ(first_difference(before, read("a")), "");
  ::chmod((top_ / "a/file").c_str(), 0644);
  EXPECT_EQ(seen(), "file has changed");
  ::chmod((top_ / "a/file").c_str(), 0755);
  write("a/another", "");
  EXPECT_EQ(seen(), "another is new");
  fs::remove(top_ / "a/another");
  fs::remove(top_ / "a/link");
  EXPECT_EQ(seen(), "link is missing");
  fs::create_symlink("deep", top_ / "a/link");
  EXPECT_EQ(seen(), "link has changed");
}

}  // namespace
}  // namespace nucleus::filesystem
