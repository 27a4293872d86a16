// From one directory to another by way of a stream, and what a hostile tree or stream gets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "archive/tree_reader.h"
#include "archive/tree_writer.h"

namespace nucleus::archive {
namespace {

namespace fs = std::filesystem;

class Tree : public testing::Test {
 protected:
  Tree() {
    std::string made = fs::temp_directory_path() / "nucleus-tree-XXXXXX";
    home_ = ::mkdtemp(made.data());
    fs::create_directory(home_ / "from");
    fs::create_directory(home_ / "to");
  }
  ~Tree() override { fs::remove_all(home_); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((home_ / name).parent_path());
    std::ofstream(home_ / name) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(home_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Result<> pack(const std::string& name, bool follow = false) {
    const Place place = NUCLEUS_TRY(find_place(home_ / name, Links::trusted, follow));
    TarWriter writer(stream_.get());
    return write_tree(writer, place, "x", notes_);
  }
  Result<> unpack(const std::string& destination, bool directory = true, bool contents = false,
                  const std::string& name = "from", bool strip = true) {
    ::lseek(stream_.get(), 0, SEEK_SET);
    TreeWriter writer(
        NUCLEUS_TRY(land(home_ / destination, Links::trusted, directory, contents, name)), {},
        notes_);
    TarReader reader(stream_.get());
    for (;;) {
      const auto entry = NUCLEUS_TRY(reader.next());
      if (!entry) break;
      NUCLEUS_CHECK(writer.take(*entry, reader, strip));
    }
    return writer.finish();
  }

  fs::path home_;
  Notes notes_;
  sys::UniqueFd stream_{::memfd_create("tar", MFD_CLOEXEC)};
};

TEST_F(Tree, ArrivesAsItWas) {
  write("from/a/b/file", "text");
  write("from/run", "#!/bin/sh");
  ::chmod((home_ / "from/run").c_str(), 04755);
  ::chmod((home_ / "from/a/b").c_str(), 0500);
  fs::create_symlink("/etc/shadow", home_ / "from/link");
  ASSERT_EQ(::mkfifo((home_ / "from/fifo").c_str(), 0600), 0);
  ASSERT_TRUE(pack("from"));
  ASSERT_TRUE(unpack("to"));
  EXPECT_EQ(read("to/from/a/b/file"), "text");
  EXPECT_EQ(fs::read_symlink(home_ / "to/from/link"), "/etc/shadow");
  struct stat info{};
  ASSERT_EQ(::stat((home_ / "to/from/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U);  // without the set-user-id bit
  ASSERT_EQ(::stat((home_ / "to/from/a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0500U);
  EXPECT_FALSE(fs::exists(home_ / "to/from/fifo"));
  ASSERT_EQ(notes_.lines.size(), 1U);
  EXPECT_NE(notes_.lines[0].find("fifo"), std::string::npos);
  for (const char* name : {"from/a/b", "to/from/a/b"}) ::chmod((home_ / name).c_str(), 0700);
}

TEST_F(Tree, LandsByTheRulesOfCp) {
  write("from/file", "text");
  ASSERT_TRUE(pack("from"));
  ASSERT_TRUE(unpack("to/new"));
  EXPECT_EQ(read("to/new/file"), "text");
  ASSERT_TRUE(unpack("to", true, true));
  EXPECT_EQ(read("to/file"), "text");
  EXPECT_EQ(unpack("to/file").error().errnum, ENOTDIR);
  EXPECT_EQ(unpack("to/none/new").error().errnum, ENOENT);
  EXPECT_EQ(unpack("to/none/", false).error().errnum, ENOENT);
  EXPECT_TRUE(names_contents("a/."));
  EXPECT_TRUE(names_contents("/"));
  EXPECT_FALSE(names_contents("a/"));
  EXPECT_EQ(base_name("/a/b/"), "b");
}

TEST_F(Tree, AFileReplacesAFileOrALinkAndNotWhatItPointsTo) {
  write("from/file", "new");
  write("kept", "kept");
  fs::create_symlink("../kept", home_ / "to/file");
  ASSERT_TRUE(pack("from"));
  ASSERT_TRUE(unpack("to", true, true));
  EXPECT_EQ(read("to/file"), "new");
  EXPECT_EQ(read("kept"), "kept");
}

TEST_F(Tree, NoLinkOnTheWayIsFollowed) {
  write("from/sub/file", "new");
  fs::create_directory(home_ / "outside");
  fs::create_symlink("../outside", home_ / "to/sub");
  ASSERT_TRUE(pack("from"));
  EXPECT_FALSE(unpack("to", true, true));
  EXPECT_TRUE(fs::is_empty(home_ / "outside"));
}

TEST_F(Tree, AStreamThatMeansHarmGetsNowhere) {
  fs::create_directory(home_ / "outside");
  const auto attempt = [&](const std::vector<Entry>& entries) {
    EXPECT_EQ(::ftruncate(stream_.get(), 0), 0);
    ::lseek(stream_.get(), 0, SEEK_SET);
    TarWriter writer(stream_.get());
    for (const Entry& entry : entries) EXPECT_TRUE(writer.entry(entry));
    EXPECT_TRUE(writer.finish());
    return unpack("to", true, true, "", false);
  };
  const std::string outside = home_ / "outside";
  EXPECT_FALSE(attempt({{.path = "../outside/x", .link = {}}}));
  EXPECT_FALSE(attempt(
      {{.kind = EntryKind::symlink, .path = "l", .link = outside}, {.path = "l/x", .link = {}}}));
  EXPECT_FALSE(attempt({{.kind = EntryKind::hardlink, .path = "h", .link = "../outside"}}));
  EXPECT_FALSE(attempt({{.kind = EntryKind::hardlink, .path = "h", .link = "l/x"}}));
  EXPECT_TRUE(attempt({{.path = outside + "/x", .link = {}}}));  // absolute: below, all the same
  EXPECT_TRUE(fs::is_empty(home_ / "outside"));
  EXPECT_TRUE(fs::exists(home_.string() + "/to" + outside + "/x"));
}

TEST_F(Tree, WhatIsNoFileIsNotCopied) {
  ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(pack("fifo").error().kind, Kind::usage);
  const Place proc = *find_place("/proc/self", Links::all, true);
  TarWriter writer(stream_.get());
  EXPECT_FALSE(write_tree(writer, proc, "x", notes_));
  EXPECT_FALSE(pack("none"));
}

TEST_F(Tree, HolesStayHoles) {
  const std::string path = home_ / "from/sparse";
  {
    std::ofstream file(path);
  }
  ASSERT_EQ(::truncate(path.c_str(), 64 << 20), 0);
  ASSERT_TRUE(pack("from"));
  ASSERT_TRUE(unpack("to"));
  struct stat info{};
  ASSERT_EQ(::stat((home_ / "to/from/sparse").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 64 << 20);
  EXPECT_LT(info.st_blocks, 1000);
  ASSERT_EQ(::truncate(path.c_str(), 1LL << 40), 0);
  EXPECT_EQ(pack("from").error().errnum, EFBIG);
}

TEST_F(Tree, LinksInAPathAreFollowedWhenTheyCanBeTrusted) {
  write("from/file", "text");
  fs::create_directory_symlink("from", home_ / "own");
  ASSERT_TRUE(find_place(home_ / "own/file", Links::trusted, false));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another's link";
  ASSERT_EQ(::lchown((home_ / "own").c_str(), 12345, 12345), 0);
  const auto place = find_place(home_ / "own/file", Links::trusted, false);
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().errnum, EPERM);
  EXPECT_TRUE(find_place(home_ / "own/file", Links::all, false));
}

}  // namespace
}  // namespace nucleus::archive
