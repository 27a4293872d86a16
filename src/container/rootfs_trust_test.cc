#include "container/rootfs_trust.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sys/unique_fd.h"

namespace nucleus::container {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class RootfsTrust : public testing::Test {
 protected:
  RootfsTrust() {
    std::string made = testing::TempDir() + "nucleus-trust-XXXXXX";
    vault = ::mkdtemp(made.data());
    set(vault, 0755);
    tree = vault + "/tree";
    fs::create_directories(tree + "/usr/bin");
    std::ofstream(tree + "/usr/bin/program") << "text";
    set(tree, 0755);
    set(tree + "/usr", 0755);
    set(tree + "/usr/bin", 0755);
    set(tree + "/usr/bin/program", 0755);
    fs::create_symlink("usr/bin", tree + "/bin");
  }
  ~RootfsTrust() override { fs::remove_all(vault); }

  static void set(const std::string& path, mode_t mode) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  std::string distrust(bool attested = false) const {
    const sys::UniqueFd fd(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto found = distrust_of_rootfs(fd.get(), tree, attested);
    return found ? *found : found.error().text();
  }
  std::string vault, tree;
};

TEST_F(RootfsTrust, OnesOwnThatOthersOnlyReadIsTrusted) {
  EXPECT_EQ(distrust(), "");
  fs::create_directory(tree + "/tmp");
  set(tree + "/tmp", 01777);
  EXPECT_EQ(distrust(), "");
}

TEST_F(RootfsTrust, WhatOthersCanWriteIsNamed) {
  set(tree + "/usr/bin/program", 0775);
  EXPECT_THAT(distrust(), AllOf(HasSubstr("/usr/bin/program"), HasSubstr("written by others")));
  // Attested is what is in it, not the way to it.
  EXPECT_EQ(distrust(true), "");
  set(tree, 0777);
  EXPECT_THAT(distrust(true), HasSubstr(tree));
}

TEST_F(RootfsTrust, WhereNobodyElseGetsInItsModesSayNothing) {
  set(tree + "/usr/bin", 0777);
  EXPECT_THAT(distrust(), HasSubstr("/usr/bin"));
  set(vault, 0700);
  EXPECT_EQ(distrust(), "");
  set(vault, 0755);
  set(tree, 0700);
  EXPECT_EQ(distrust(), "");
}

TEST_F(RootfsTrust, AWayThatOthersCanChangeIsNamed) {
  set(vault, 0777);
  EXPECT_THAT(distrust(), AllOf(HasSubstr(vault), HasSubstr("written by others")));
}

TEST_F(RootfsTrust, StrangersOwnNothingInIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::lchown((tree + "/bin").c_str(), 12345, 0), 0);
  EXPECT_THAT(distrust(), AllOf(HasSubstr("/bin"), HasSubstr("12345")));
  ASSERT_EQ(::chown(vault.c_str(), 12345, 0), 0);
  EXPECT_THAT(distrust(true), AllOf(HasSubstr(vault), HasSubstr("12345")));
}

TEST_F(RootfsTrust, OneThatIsReplacedMeanwhileIsNot) {
  const sys::UniqueFd fd(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  fs::rename(tree, vault + "/old");
  fs::create_directory(tree);
  const auto found = distrust_of_rootfs(fd.get(), tree, false);
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, HasSubstr("replaced"));
}

}  // namespace
}  // namespace nucleus::container
