#include "checkpoint/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace nucleus::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    char place[] = "/tmp/nucleus-key-XXXXXX";
    place_ = ::mkdtemp(place);
    path_ = place_ + "/below/checkpoint-hmac.key";
  }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;
  ~KeyFile() override { fs::remove_all(place_); }

  void write(const std::string& text, mode_t mode = 0600) const {
    fs::create_directory(place_ + "/below");
    ::chmod((place_ + "/below").c_str(), 0700);
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
  }
  [[nodiscard]] std::string refusal() const {
    const auto key = load_key(path_);
    return key ? "loaded" : key.error().text();
  }

  std::string place_, path_;
};

TEST_F(KeyFile, IsMadeOnceForItsOwnerAlone) {
  EXPECT_EQ(load_key(path_).error().errnum, ENOENT);
  EXPECT_FALSE(fs::exists(place_ + "/below"));
  const auto made = make_key(path_);
  ASSERT_TRUE(made) << made.error().text();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(info.st_size, 32);
  ASSERT_EQ(::stat((place_ + "/below").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  const auto key = load_key(path_);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bytes().size(), 32U);
  EXPECT_NE(key->bytes(), std::string(32, '\0'));
  EXPECT_EQ(make_key(path_).error().errnum, EEXIST);
  EXPECT_EQ(load_or_make_key(path_)->bytes(), key->bytes());
  EXPECT_EQ(std::distance(fs::directory_iterator(place_ + "/below"), {}), 1);
}

TEST_F(KeyFile, CountsWholeWhateverItsSize) {
  write("a key of more than thirty-two bytes, and a line feed\n");
  EXPECT_EQ(load_key(path_)->bytes(), "a key of more than thirty-two bytes, and a line feed\n");
  write("short");
  EXPECT_THAT(refusal(), HasSubstr("it has 5 bytes"));
  write("");
  EXPECT_THAT(refusal(), HasSubstr("it has 0 bytes"));
  write(std::string((64U << 10) + 1, 'x'));
  EXPECT_THAT(refusal(), HasSubstr("EFBIG"));
}

TEST_F(KeyFile, IsReadByNobodyElse) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    write(std::string(32, 'k'), mode);
    EXPECT_THAT(refusal(), HasSubstr("chmod 0600")) << mode;
  }
  write(std::string(32, 'k'));
  ::chmod((place_ + "/below").c_str(), 0750);
  EXPECT_THAT(refusal(), HasSubstr("chmod 0700"));
  ::chmod((place_ + "/below").c_str(), 0700);
  EXPECT_EQ(refusal(), "loaded");
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(path_.c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to uid 1"));
  ASSERT_EQ(::chown(path_.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown((place_ + "/below").c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to uid 1"));
}

TEST_F(KeyFile, NoLinkIsFollowedAndNothingElseIsRead) {
  write(std::string(32, 'k'));
  fs::rename(path_, place_ + "/below/real");
  fs::create_symlink("real", path_);
  EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
  fs::remove(path_);
  fs::create_directory(path_);
  ::chmod(path_.c_str(), 0700);
  EXPECT_THAT(refusal(), HasSubstr("no regular file"));
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("no regular file"));
  fs::rename(place_ + "/below", place_ + "/elsewhere");
  fs::create_directory_symlink("elsewhere", place_ + "/below");
  EXPECT_THAT(refusal(), HasSubstr("no symbolic link"));
  EXPECT_FALSE(make_key(path_));
  EXPECT_FALSE(load_key(place_ + "/"));
}

TEST_F(KeyFile, ManyWhoMakeItAtOnceGetTheSame) {
  std::vector<std::string> seen(8);
  {
    std::vector<std::jthread> all;
    for (std::string& one : seen)
      all.emplace_back([&] {
        if (const auto key = load_or_make_key(path_)) one = key->bytes();
      });
  }
  EXPECT_EQ(seen.front().size(), 32U);
  EXPECT_THAT(seen, testing::Each(seen.front()));
}

TEST_F(KeyFile, ARotatedOneIsKept) {
  EXPECT_EQ(rotate_key(path_).error().errnum, ENOENT);
  ASSERT_TRUE(make_key(path_));
  const std::string first(load_key(path_)->bytes());
  const auto kept = rotate_key(path_);
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(load_key(*kept)->bytes(), first);
  EXPECT_NE(load_key(path_)->bytes(), first);
  ASSERT_TRUE(rotate_key(path_));
  const auto earlier = earlier_keys(path_);
  ASSERT_TRUE(earlier);
  ASSERT_EQ(earlier->size(), 2U);
  EXPECT_EQ(earlier->back().bytes(), first);
  // One that somebody could have put there makes nothing good.
  ::chmod(kept->c_str(), 0644);
  EXPECT_FALSE(earlier_keys(path_));
}

TEST_F(KeyFile, IsWhereTheUserSaysOrWhereUsersHaveTheirs) {
  ::setenv("NUCLEUS_CHECKPOINT_HMAC_KEY_FILE", "/some/key", 1);
  EXPECT_EQ(*key_path(), "/some/key");
  ::setenv("NUCLEUS_CHECKPOINT_HMAC_KEY_FILE", "", 1);
  if (::geteuid() == 0) {
    EXPECT_EQ(*key_path(), "/var/lib/nucleus/checkpoint-hmac.key");
  } else {
    ::setenv("XDG_DATA_HOME", "/data", 1);
    EXPECT_EQ(*key_path(), "/data/nucleus/checkpoint-hmac.key");
    ::unsetenv("XDG_DATA_HOME");
    ::setenv("HOME", "/home/me", 1);
    EXPECT_EQ(*key_path(), "/home/me/.local/share/nucleus/checkpoint-hmac.key");
  }
  ::unsetenv("NUCLEUS_CHECKPOINT_HMAC_KEY_FILE");
}

}  // namespace
}  // namespace nucleus::checkpoint
