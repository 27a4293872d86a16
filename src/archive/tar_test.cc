#include "archive/tar.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/file.h"

namespace nucleus::archive {
namespace {

class Tar : public testing::Test {
 protected:
  // What was written is what is read.
  void rewind() const { ASSERT_EQ(::lseek(fd_.get(), 0, SEEK_SET), 0); }
  void write(std::string_view bytes) const {
    ASSERT_TRUE(sys::write_all(fd_.get(), bytes, "test"));
    rewind();
  }
  sys::UniqueFd fd_{::memfd_create("tar", MFD_CLOEXEC)};
};

std::string all_of(TarReader& reader) {
  std::string out;
  for (;;) {
    const auto bytes = reader.data();
    EXPECT_TRUE(bytes);
    if (!bytes || bytes->empty()) return out;
    out += *bytes;
  }
}

TEST_F(Tar, WhatIsWrittenIsRead) {
  const std::string deep = "d/" + std::string(300, 'x') + "/\xc3\xa4";
  const std::vector<Entry> entries = {
      {.kind = EntryKind::directory, .path = "d", .link = {}, .mode = 01777, .mtime = 5},
      {.path = deep, .link = {}, .mode = 0640, .uid = 4'000'000'000, .gid = 7, .size = 1000},
      {.path = "empty", .link = {}, .mode = 04755, .size = 0},
      {.kind = EntryKind::symlink, .path = "l", .link = std::string(200, 'y'), .mode = 0777}};
  TarWriter writer(fd_.get());
  for (const Entry& entry : entries) {
    ASSERT_TRUE(writer.entry(entry));
    if (entry.size > 0) {
      ASSERT_TRUE(writer.data(std::string(entry.size, 'z')));
    }
  }
  ASSERT_TRUE(writer.finish());
  rewind();
  TarReader reader(fd_.get());
  for (const Entry& entry : entries) {
    const auto read = reader.next();
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((*read)->kind, entry.kind);
    EXPECT_EQ((*read)->path, entry.path + (entry.kind == EntryKind::directory ? "/" : ""));
    EXPECT_EQ((*read)->link, entry.link);
    EXPECT_EQ((*read)->mode, entry.mode);
    EXPECT_EQ((*read)->uid, entry.uid);
    EXPECT_EQ((*read)->mtime, entry.mtime);
    EXPECT_EQ(all_of(reader), std::string(entry.size, 'z'));
  }
  const auto end = reader.next();
  EXPECT_TRUE(end && !*end);
}

TEST_F(Tar, BytesThatAreNotAskedForArePassedOver) {
  TarWriter writer(fd_.get());
  ASSERT_TRUE(writer.entry({.path = "a", .link = {}, .size = 100'000}));
  ASSERT_TRUE(writer.data(std::string(100'000, 'a')));
  ASSERT_TRUE(writer.entry({.path = "b", .link = {}, .size = 0}));
  ASSERT_TRUE(writer.finish());
  rewind();
  TarReader reader(fd_.get());
  EXPECT_EQ((*reader.next())->path, "a");
  EXPECT_EQ((*reader.next())->path, "b");
}

TEST_F(Tar, MoreThanWasToldIsRefused) {
  TarWriter writer(fd_.get());
  ASSERT_TRUE(writer.entry({.path = "a", .link = {}, .size = 3}));
  EXPECT_FALSE(writer.data("four"));
}

TEST_F(Tar, WhatIsNoneIsRefused) {
  write(std::string(1024, 'x'));
  const auto read = TarReader(fd_.get()).next();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, Kind::usage);
}

TEST_F(Tar, OneThatIsCutIsRefused) {
  TarWriter writer(fd_.get());
  ASSERT_TRUE(writer.entry({.path = "a", .link = {}, .size = 1000}));
  ASSERT_TRUE(writer.data(std::string(1000, 'a')));
  ASSERT_TRUE(writer.finish());
  ASSERT_EQ(::ftruncate(fd_.get(), 700), 0);
  rewind();
  TarReader reader(fd_.get());
  ASSERT_TRUE(reader.next());
  Result<std::string_view> bytes = reader.data();
  while (bytes && !bytes->empty()) bytes = reader.data();
  EXPECT_FALSE(bytes);
}

TEST_F(Tar, NothingAtAllHoldsNothing) {
  const auto read = TarReader(fd_.get()).next();
  EXPECT_TRUE(read && !*read);
}

}  // namespace
}  // namespace nucleus::archive
