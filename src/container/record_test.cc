#include "container/record.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "container/state_root.h"

namespace nucleus::container {
namespace {

namespace fs = std::filesystem;

class RecordTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "/nucleus-record-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    home_ = path;
    const auto root = open_state_root(path + "/state root", read_caller());
    ASSERT_TRUE(root) << root.error().text();
    root_ = *root;
  }
  void TearDown() override { fs::remove_all(home_); }

  void dead_record(const std::string& id) { std::ofstream(root_ + "/state/" + id) << ""; }

  std::string home_, root_;
};

TEST_F(RecordTest, ANameWithoutItsRecordIsReclaimed) {
  const auto record = Record::create(root_, "0123456789abcdef", "kept", {});
  ASSERT_TRUE(record) << record.error().text();
  fs::create_symlink("fedcba9876543210", root_ + "/by-name/left");
  std::ofstream(root_ + "/by-name/no-link") << "";
  const auto reclaimed = reclaim_names(root_);
  EXPECT_TRUE(reclaimed) << reclaimed.error().text();
  EXPECT_TRUE(fs::is_symlink(root_ + "/by-name/kept"));
  EXPECT_FALSE(fs::is_symlink(root_ + "/by-name/left"));
  EXPECT_TRUE(fs::exists(root_ + "/by-name/no-link")) << "nothing of ours";
}

TEST_F(RecordTest, LivesAsLongAsItsOwner) {
  {
    const auto record = Record::create(root_, "0123456789abcdef", "web",
                                       {"/sys/fs/cgroup/nucleus-0123456789abcdef"});
    ASSERT_TRUE(record) << record.error().text();
    EXPECT_TRUE(fs::exists(root_ + "/state/0123456789abcdef"));
    EXPECT_TRUE(fs::is_symlink(root_ + "/by-name/web"));
    EXPECT_EQ(reclaim_dead(root_, 100), 0U);
  }
  EXPECT_TRUE(fs::is_empty(root_ + "/state"));
  EXPECT_TRUE(fs::is_empty(root_ + "/by-name"));
}

TEST_F(RecordTest, ANameIsTakenOnce) {
  const auto first = Record::create(root_, "000000000000000a", "web", {});
  ASSERT_TRUE(first);
  const auto second = Record::create(root_, "000000000000000b", "web", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().errnum, EEXIST);
  EXPECT_NE(second.error().text().find("000000000000000a"), std::string::npos);
  EXPECT_FALSE(fs::exists(root_ + "/state/000000000000000b"));
  EXPECT_TRUE(fs::is_symlink(root_ + "/by-name/web"));
}

TEST_F(RecordTest, TheNameOfADeadOneIsFree) {
  dead_record("000000000000000a");
  fs::create_symlink("000000000000000a", root_ + "/by-name/web");
  const auto record = Record::create(root_, "000000000000000b", "web", {});
  ASSERT_TRUE(record) << record.error().text();
  EXPECT_FALSE(fs::exists(root_ + "/state/000000000000000a"));
  EXPECT_EQ(fs::read_symlink(root_ + "/by-name/web"), "000000000000000b");
}

TEST_F(RecordTest, ReclaimsDeadRecords) {
  dead_record("000000000000000a");
  dead_record("000000000000000b");
  EXPECT_EQ(reclaim_dead(root_, 100), 2U);
  EXPECT_TRUE(fs::is_empty(root_ + "/state"));
}

// A container that is started again has the id that it had.
TEST_F(RecordTest, TakesThePlaceOfADeadOneOfTheSameId) {
  for (int other = 0; other < 50; ++other)
    dead_record("00000000000000" + std::to_string(10 + other));
  dead_record("0123456789abcdef");
  const auto record = Record::create(root_, "0123456789abcdef", "", {});
  ASSERT_TRUE(record) << record.error().text();
  EXPECT_EQ(reclaim_dead(root_, 100), 50U);
  EXPECT_TRUE(fs::exists(root_ + "/state/0123456789abcdef"));
}

TEST_F(RecordTest, ATamperedRecordTouchesNothingElse) {
  dead_record("000000000000000a");
  fs::create_directory(home_ + "/precious");
  fs::create_directory(home_ + "/nucleus-000000000000000b");
  std::ofstream(root_ + "/state/000000000000000a")
      << home_ << "/precious\n"
      << home_ << "/nucleus-000000000000000b\n"
      << home_ << "/x/../nucleus-000000000000000a\nrelative/nucleus-000000000000000a\n";
  EXPECT_EQ(reclaim_dead(root_, 100), 1U);
  EXPECT_TRUE(fs::exists(home_ + "/precious"));
  EXPECT_TRUE(fs::exists(home_ + "/nucleus-000000000000000b"));
}

TEST_F(RecordTest, AnAbandonedRecordIsLeftForTheNext) {
  auto record = Record::create(root_, "000000000000000a", "", {});
  ASSERT_TRUE(record);
  record->abandon();
  EXPECT_TRUE(fs::exists(root_ + "/state/000000000000000a"));
  EXPECT_EQ(reclaim_dead(root_, 100), 1U);
}

TEST_F(RecordTest, TheStateDirectoryMustBeOurs) {
  fs::create_directory(home_ + "/open");
  ASSERT_EQ(::chmod((home_ + "/open").c_str(), 0777), 0);
  const auto writable = open_state_root(home_ + "/open", read_caller());
  ASSERT_FALSE(writable);
  EXPECT_NE(writable.error().text().find("others may write"), std::string::npos);
  fs::create_directory_symlink(home_ + "/open", home_ + "/link");
  EXPECT_FALSE(open_state_root(home_ + "/link", read_caller()));
  EXPECT_FALSE(open_state_root("relative", read_caller()));
}

TEST(NewId, IsSixteenDigitsAndNeverTheSame) {
  const std::string id = new_id();
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(id, new_id());
}

TEST(RecordedCgroups, AreThoseOfThisVeryContainer) {
  const std::string id = "0123456789abcdef";
  const std::string good = "/sys/fs/cgroup/memory/nucleus-" + id;
  EXPECT_EQ(recorded_cgroups(good + "\n/sys/fs/cgroup/../../home/nucleus-" + id + "\nnucleus-" +
                                 id + "\n/sys/fs/cgroup/nucleus-fedcba9876543210\n" + good + "/\n",
                             id),
            std::vector<std::string>{good});
  EXPECT_TRUE(recorded_cgroups("", id).empty());
}

}  // namespace
}  // namespace nucleus::container
