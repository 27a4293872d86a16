#include "archive/listing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr std::uint32_t kFile = S_IFREG | 0644U, kDirectory = S_IFDIR | 0755U;

TEST(Listing, TellsWhatIsAddedChangedAndGone) {
  const Listing before = {
      {"/bin", {kDirectory, 1}},   {"/bin/a", {kFile, 1}},     {"/bin/b", {kFile, 1}},
      {"/gone", {kDirectory, 1}},  {"/gone/x", {kFile, 1}},    {"/proc", {kDirectory, 1}},
      {"/proc/old", {kFile, 1}},   {"/type", {kDirectory, 1}}, {"/type/x", {kFile, 1}},
      {"/quiet", {kDirectory, 1}}, {"/mode", {kDirectory, 1}}};
  const Listing now = {{"/bin", {kDirectory, 9}},       {"/bin/a", {kFile, 1}},
                       {"/bin/b", {kFile, 9}},          {"/proc", {kDirectory, 9, true}},
                       {"/type", {S_IFLNK | 0777U, 9}}, {"/quiet", {kDirectory, 9}},
                       {"/mode", {S_IFDIR | 0700U, 9}}, {"/new", {kDirectory, 9}},
                       {"/new/x", {kFile, 9}}};
  EXPECT_EQ(differences(before, now),
            "C /bin\nC /bin/b\nD /gone\nC /mode\nA /new\nA /new/x\nC /type\n");
  EXPECT_EQ(differences(before, before), "");
}

TEST(Listing, WhatIsInADirectoryFollowsIt) {
  const PathOrder order;
  EXPECT_TRUE(order("/a", "/a/b"));
  EXPECT_TRUE(order("/a/b", "/a b"));
  EXPECT_FALSE(order("/a", "/a"));
}

TEST(Listing, GoesAsBytes) {
  const Listing listing = {{"/a b\n", {kFile, -5}}, {"/d", {kDirectory, 1LL << 60, true}}};
  const auto back = listing_from(to_bytes(listing));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, listing);
  EXPECT_FALSE(listing_from("33188 5 -"));
  EXPECT_FALSE(listing_from(std::string("nonsense\0", 9)));
  EXPECT_FALSE(listing_from(std::string("1 2\0", 4)));
}

TEST(Listing, OfADirectory) {
  namespace fs = std::filesystem;
  std::string made = fs::temp_directory_path() / "nucleus-list-XXXXXX";
  const fs::path home = ::mkdtemp(made.data());
  fs::create_directory(home / "d");
  std::ofstream(home / "d/file") << "text";
  fs::create_symlink("/", home / "d/link");
  const auto fd = sys::open_at(AT_FDCWD, home, O_PATH | O_DIRECTORY);
  ASSERT_TRUE(fd);
  const auto listing = list_tree(fd->get());
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->size(), 3U);
  EXPECT_TRUE(S_ISLNK(listing->at("/d/link").mode));
  EXPECT_FALSE(listing->at("/d").mount);
  fs::remove_all(home);
}

}  // namespace
}  // namespace nucleus::archive
