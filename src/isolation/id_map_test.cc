#include "isolation/id_map.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace nucleus::isolation {
namespace {

const Caller kAlice{.uid = 1000, .gid = 1000, .user_name = "alice"};

TEST(ParseSubids, FindsByNameAndByNumber) {
  const auto ranges = parse_subids("bob:1:2\nalice:100000:65536\n1000:300000:10\n", kAlice);
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0], (IdRange{0, 100000, 65536}));
  EXPECT_EQ(ranges[1], (IdRange{0, 300000, 10}));
}

TEST(ParseSubids, LeavesOutWhatIsBroken) {
  EXPECT_TRUE(
      parse_subids(
          "alice\nalice:\nalice:1\nalice:x:y\nalice:1:0\nalice:4294967295:2\nalice:-1:2\n:1:1\n",
          kAlice)
          .empty());
  EXPECT_TRUE(parse_subids("", kAlice).empty());
}

TEST(HostId, FollowsTheRanges) {
  const std::vector<IdRange> ranges = {{0, 1000, 1}, {1, 100000, 10}};
  EXPECT_EQ(host_id(ranges, 0), 1000U);
  EXPECT_EQ(host_id(ranges, 1), 100000U);
  EXPECT_EQ(host_id(ranges, 10), 100009U);
  EXPECT_FALSE(host_id(ranges, 11));
  EXPECT_EQ(map_text(ranges), "0 1000 1\n1 100000 10\n");
}

class Leases : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "leases-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(Leases, TwoContainersNeverShareAnId) {
  const Caller root{.uid = 0, .gid = 0, .user_name = "root"};
  std::vector<std::string> notes;
  auto first = choose_maps(spec::ContainerSpec(), root, directory_, notes);
  auto second = choose_maps(spec::ContainerSpec(), root, directory_, notes);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_NE(first->uids[0].outside, second->uids[0].outside);
  EXPECT_GE(first->uids[0].outside, 0x70000000U);
  const std::uint32_t freed = first->uids[0].outside;
  first->lease.reset();
  const auto third = choose_maps(spec::ContainerSpec(), root, directory_, notes);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->uids[0].outside, freed);
}

TEST_F(Leases, RefusesIdsOutsideTheRange) {
  const Caller root{.uid = 0, .gid = 0, .user_name = "root"};
  std::vector<std::string> notes;
  spec::ContainerSpec spec;
  spec.identity = {70000, 0};
  const auto maps = choose_maps(spec, root, directory_, notes);
  ASSERT_FALSE(maps);
  EXPECT_EQ(maps.error().kind, Kind::usage);
  EXPECT_NE(maps.error().hint.find("65535"), std::string::npos);
}

TEST_F(Leases, HostIdsAreForRootOnly) {
  std::vector<std::string> notes;
  spec::ContainerSpec spec;
  spec.userns = spec::UserNamespace::host;
  EXPECT_FALSE(choose_maps(spec, kAlice, directory_, notes));
}

}  // namespace
}  // namespace nucleus::isolation
