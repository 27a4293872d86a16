#include "container/private_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace nucleus::container {
namespace {

namespace fs = std::filesystem;

class PrivateDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "/private-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    base_ = made;
  }
  void TearDown() override { fs::remove_all(base_); }
  spec::Identity own() const { return {.uid = ::geteuid(), .gid = ::getegid()}; }
  std::string base_;
};

TEST_F(PrivateDirectoryTest, IsForItsOwnerAndNobodyElsesBefore) {
  auto made = PrivateDirectory::create(base_ + "/d", own());
  ASSERT_TRUE(made);
  EXPECT_EQ(fs::status(base_ + "/d").permissions(), fs::perms(0700));
  EXPECT_FALSE(PrivateDirectory::create(base_ + "/d", own()));
  EXPECT_TRUE(made->make_inside("context", own()));
  EXPECT_TRUE(made->remove());
  EXPECT_FALSE(fs::exists(base_ + "/d"));
  EXPECT_TRUE(made->remove()) << "once more is nothing to do";
}

TEST_F(PrivateDirectoryTest, WhatCannotBeReadIsRemovedAndWhatIsLinkedToIsNot) {
  fs::create_directories(base_ + "/kept");
  std::ofstream(base_ + "/kept/file") << "kept";
  fs::create_directories(base_ + "/d/a/b/c");
  fs::create_directory_symlink(base_ + "/kept", base_ + "/d/a/link");
  fs::create_symlink(base_ + "/kept/file", base_ + "/d/a/b/link");
  for (const char* const name : {"/d/a/b", "/d/a", "/d"}) ::chmod((base_ + name).c_str(), 0);
  EXPECT_TRUE(remove_tree(base_ + "/d"));
  EXPECT_FALSE(fs::exists(base_ + "/d"));
  EXPECT_TRUE(fs::exists(base_ + "/kept/file"));
}

TEST_F(PrivateDirectoryTest, NoDepthIsTooDeep) {
  fs::create_directory(base_ + "/d");
  const fs::path before = fs::current_path();
  fs::current_path(base_ + "/d");
  for (int level = 0; level < 2000; ++level) {
    ASSERT_EQ(::mkdir("deeper", 0700), 0);
    ASSERT_EQ(::chdir("deeper"), 0);
  }
  fs::current_path(before);
  EXPECT_TRUE(remove_tree(base_ + "/d"));
  EXPECT_FALSE(fs::exists(base_ + "/d"));
}

TEST_F(PrivateDirectoryTest, ALinkInItsPlaceIsNotFollowed) {
  fs::create_directory(base_ + "/kept");
  std::ofstream(base_ + "/kept/file") << "kept";
  fs::create_directory_symlink(base_ + "/kept", base_ + "/d");
  EXPECT_FALSE(remove_tree(base_ + "/d"));
  EXPECT_TRUE(fs::exists(base_ + "/kept/file"));
  EXPECT_TRUE(remove_tree(base_ + "/nothing"));
}

}  // namespace
}  // namespace nucleus::container
