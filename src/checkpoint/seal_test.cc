#include "checkpoint/seal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sys/unix_address.h"

namespace nucleus::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string vector_key() {
  std::string key;
  for (int byte = 0; byte < 32; ++byte) key += static_cast<char>(byte);
  return key;
}

class Sealing : public testing::Test {
 protected:
  Sealing() {
    char place[] = "/tmp/nucleus-seal-XXXXXX";
    place_ = ::mkdtemp(place);
    tree_ = place_ + "/tree";
    fs::create_directory(tree_);
    fs::permissions(tree_, fs::perms::owner_all);
    key_ = place_ + "/key";
    write(key_, vector_key());
  }
  Sealing(const Sealing&) = delete;
  Sealing& operator=(const Sealing&) = delete;
  ~Sealing() override { fs::remove_all(place_); }

  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
  void add(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(tree_ + "/" + name).parent_path());
    write(tree_ + "/" + name, text);
  }
  void fill() const {
    add("metadata.json", R"({"id":"abc"})");
    add("images/pages-1.img", "snapshot");
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(tree_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] Result<Tree> digest(const std::string& key = vector_key()) const {
    const auto opened = open_checkpoint(tree_);
    if (!opened) return std::unexpected(opened.error());
    return digest_of(opened->get(), tree_, key);
  }
  [[nodiscard]] Result<Tree> seal_it() const {
    const auto key = load_key(key_);
    if (!key) return std::unexpected(key.error());
    const auto opened = open_checkpoint(tree_);
    if (!opened) return std::unexpected(opened.error());
    return seal(opened->get(), tree_, *key);
  }
  [[nodiscard]] Result<Verified> verify_it() const {
    const auto opened = open_checkpoint(tree_);
    if (!opened) return std::unexpected(opened.error());
    return verify(opened->get(), tree_, key_);
  }
  // What is said of it, when it is refused.
  [[nodiscard]] std::string refusal() const {
    const auto verified = verify_it();
    return verified ? "verified" : verified.error().text();
  }

  std::string place_, tree_, key_;
};

TEST_F(Sealing, TheFormatIsTheOneThatIsAgreedUpon) {
  EXPECT_EQ(digest()->digest, "d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb");
  fill();
  EXPECT_EQ(digest()->digest, "172fdd038f0273b96792c617df19362c780443dbafce92c81d37541c6ffd11f4");
  EXPECT_EQ(digest(std::string(65, 'k'))->digest,
            "2100cc7d6bf89066ff6ef1decfe674cfd4fa5dc30875adb06c88ff692ab69d01");
  add("images.log", "");
  add("images/checkpoint.hmac", "x");
  add("checkpoint.hmac", "anything");
  const auto tree = digest();
  EXPECT_EQ(tree->digest, "680b219f3d96aad533c0c53617d1efbe408d16d1fbcd2f97ce1cc16157e6db41");
  EXPECT_EQ(tree->files, 4U);
  EXPECT_EQ(tree->bytes, 21U);
}

TEST_F(Sealing, WhatWasSealedVerifiesAlsoElsewhere) {
  fill();
  const auto sealed = seal_it();
  ASSERT_TRUE(sealed) << sealed.error().text();
  EXPECT_EQ(read("checkpoint.hmac"), sealed->digest);
  struct stat info{};
  ASSERT_EQ(::stat((tree_ + "/checkpoint.hmac").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  const auto verified = verify_it();
  ASSERT_TRUE(verified) << verified.error().text();
  EXPECT_EQ(verified->key, key_);
  EXPECT_EQ(verified->tree.files, 2U);
  fs::rename(tree_, place_ + "/moved");
  tree_ = place_ + "/moved";
  EXPECT_EQ(refusal(), "verified");
  // White space around the digits is as good.
  add("checkpoint.hmac", "  " + sealed->digest + "\n");
  EXPECT_EQ(refusal(), "verified");
}

TEST_F(Sealing, EveryChangeIsSeenAndTheRightSealIsNeverTold) {
  const auto changed = [&](const char* what, auto&& change) {
    fs::remove_all(tree_);
    fs::create_directory(tree_);
    fs::permissions(tree_, fs::perms::owner_all);
    fill();
    const auto sealed = seal_it();
    ASSERT_TRUE(sealed) << what;
    change();
    const std::string said = refusal();
    EXPECT_THAT(said, HasSubstr("HMAC mismatch")) << what;
    const auto now = digest();
    if (now) {
      EXPECT_THAT(said, Not(HasSubstr(now->digest))) << what;
    }
  };
  changed("a byte", [&] { add("images/pages-1.img", "snapshoT"); });
  changed("a shorter file", [&] { add("images/pages-1.img", "snap"); });
  changed("a file more", [&] { add("images/more.img", ""); });
  changed("a directory more", [&] {
    fs::create_directory(tree_ + "/more");
    fs::permissions(tree_ + "/more", fs::perms::owner_all);
  });
  changed("a file less", [&] { fs::remove(tree_ + "/images/pages-1.img"); });
  changed("another name",
          [&] { fs::rename(tree_ + "/images/pages-1.img", tree_ + "/images/pages-2.img"); });
  changed("another place",
          [&] { fs::rename(tree_ + "/images/pages-1.img", tree_ + "/pages-1.img"); });
  changed("the metadata", [&] { add("metadata.json", R"({"id":"abd"})"); });
  changed("the key", [&] { write(key_, std::string(32, 'k')); });
}

TEST_F(Sealing, WhatIsNoCheckpointIsRefusedByItsName) {
  fill();
  ASSERT_TRUE(seal_it());
  fs::create_symlink("pages-1.img", tree_ + "/images/link");
  EXPECT_THAT(refusal(), HasSubstr("symbolic link '" + tree_ + "/images/link'"));
  EXPECT_FALSE(seal_it());
  fs::remove(tree_ + "/images/link");

  ASSERT_EQ(::mkfifo((tree_ + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("special file '" + tree_ + "/fifo'"));
  fs::remove(tree_ + "/fifo");

  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto address = sys::UnixAddress::at(tree_ + "/socket");
  ASSERT_TRUE(address);
  ASSERT_EQ(::bind(socket, address->get(), address->size()), 0);
  EXPECT_THAT(refusal(), HasSubstr("special file"));
  ::close(socket);
  fs::remove(tree_ + "/socket");

  add("images/\xff", "");
  EXPECT_THAT(refusal(), HasSubstr("EILSEQ"));
  fs::remove(tree_ + "/images/\xff");
  EXPECT_EQ(refusal(), "verified");
}

TEST_F(Sealing, WhoElseMayWriteCannotBeTrusted) {
  fill();
  ASSERT_TRUE(seal_it());
  const auto with_mode = [&](const std::string& name, mode_t mode) {
    struct stat before{};
    EXPECT_EQ(::stat(name.c_str(), &before), 0);
    EXPECT_EQ(::chmod(name.c_str(), mode), 0);
    const std::string said = refusal();
    EXPECT_EQ(::chmod(name.c_str(), before.st_mode & 07777), 0);
    return said;
  };
  EXPECT_THAT(with_mode(tree_ + "/images/pages-1.img", 0620), HasSubstr("chmod go-w"));
  EXPECT_EQ(with_mode(tree_ + "/images/pages-1.img", 0644), "verified");
  EXPECT_THAT(with_mode(tree_ + "/images", 0777), HasSubstr("chmod go-w"));
  EXPECT_THAT(with_mode(tree_, 0750), HasSubstr("chmod 0700"));
  EXPECT_THAT(with_mode(tree_ + "/checkpoint.hmac", 0602), HasSubstr("nobody else may write"));
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown((tree_ + "/images/pages-1.img").c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to uid 1"));
}

TEST_F(Sealing, ASealThatIsNoneIsRefused) {
  fill();
  EXPECT_THAT(refusal(), HasSubstr("never sealed"));
  for (const char* const text : {"", " \n", "xyz", "ABCDEF"}) {
    add("checkpoint.hmac", text);
    EXPECT_THAT(refusal(), HasSubstr("64 digits")) << text;
  }
  std::string digits = digest()->digest;
  for (char& digit : digits) digit = static_cast<char>(std::toupper(digit));
  add("checkpoint.hmac", digits);
  EXPECT_THAT(refusal(), HasSubstr("64 digits"));
  add("checkpoint.hmac", std::string(1U << 20, '0'));
  EXPECT_THAT(refusal(), HasSubstr("EFBIG"));
  fs::remove(tree_ + "/checkpoint.hmac");
  fs::create_symlink("metadata.json", tree_ + "/checkpoint.hmac");
  EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
}

TEST_F(Sealing, WhatLiesInTheWayIsNotFollowed) {
  fill();
  write(place_ + "/precious", "untouched");
  fs::create_symlink(place_ + "/precious", tree_ + "/checkpoint.hmac.tmp");
  EXPECT_FALSE(seal_it());
  fs::remove(tree_ + "/checkpoint.hmac.tmp");
  add("checkpoint.hmac.tmp", "left behind");
  EXPECT_TRUE(seal_it());
  EXPECT_EQ(refusal(), "verified");
  EXPECT_EQ(fs::file_size(place_ + "/precious"), 9U);
}

TEST_F(Sealing, OnlyADirectoryIsOpened) {
  EXPECT_EQ(open_checkpoint(place_ + "/none").error().errnum, ENOENT);
  EXPECT_EQ(open_checkpoint(key_).error().errnum, ENOTDIR);
  fs::create_directory_symlink(tree_, place_ + "/link");
  for (const char* const end : {"", "/", "//"})
    EXPECT_THAT(open_checkpoint(place_ + "/link" + end).error().text(), HasSubstr("symbolic link"));
  EXPECT_TRUE(open_checkpoint(tree_ + "/"));
}

TEST_F(Sealing, AnEarlierKeyIsGoodForWhatItSealed) {
  fill();
  ASSERT_TRUE(seal_it());
  const auto first = rotate_key(key_);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(verify_it()->key, *first);
  ASSERT_TRUE(rotate_key(key_));
  EXPECT_EQ(verify_it()->key, *first);
  ASSERT_TRUE(seal_it());
  EXPECT_EQ(verify_it()->key, key_);
  fs::remove(*first);
  EXPECT_EQ(refusal(), "verified");
}

TEST_F(Sealing, AMissingKeyIsNotMadeAndIsSaid) {
  fill();
  ASSERT_TRUE(seal_it());
  fs::remove(key_);
  EXPECT_THAT(refusal(), HasSubstr("nucleus checkpoint key init"));
  EXPECT_FALSE(fs::exists(key_));
  fs::permissions(place_, fs::perms::owner_all);
}

TEST_F(Sealing, HowFarItHasComeIsTold) {
  add("images/pages-1.img", std::string(3U << 20, 'p'));
  const auto opened = open_checkpoint(tree_);
  ASSERT_TRUE(opened);
  std::uint64_t told = 0;
  std::uint64_t whole = 0;
  const auto tree = digest_of(opened->get(), tree_, vector_key(), [&](auto done, auto all) {
    told = done;
    whole = all;
  });
  ASSERT_TRUE(tree);
  EXPECT_EQ(whole, 3U << 20);
  EXPECT_GT(told, 0U);
  EXPECT_LE(told, whole);
}

}  // namespace
}  // namespace nucleus::checkpoint
