#include "spec/updated.h"

#include <gtest/gtest.h>

namespace nucleus::spec {
namespace {

ContainerSpec with_limits() {
  ContainerSpec spec;
  spec.argv = {"sleep"};
  spec.resources.memory = ByteSize{64U << 20};
  spec.resources.cpus = CpuQuota{50'000};
  spec.resources.pids = 512;
  spec.resources.io = {{.device = "8:0", .key = "rbps", .value = 100}};
  return spec;
}

TEST(Updated, LeavesWhatIsNotSpokenOf) {
  Draft changes;
  changes.pids = "20";
  changes.io_limits = {"8:0 rbps=200 wbps=300"};
  const auto next = updated(with_limits(), changes);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->argv.front(), "sleep");
  EXPECT_EQ(next->resources.memory->bytes, 64U << 20);
  EXPECT_EQ(next->resources.cpus->quota_usec, 50'000U);
  EXPECT_EQ(next->resources.pids, 20U);
  EXPECT_TRUE(next->resources.pids_asked);
  ASSERT_EQ(next->resources.io.size(), 2U);
  EXPECT_EQ(next->resources.io[0].value, 200U);
}

TEST(Updated, MeasuresLimitsByThoseThatThereAre) {
  Draft changes;
  changes.memory_swap = "128M";
  EXPECT_TRUE(updated(with_limits(), changes));
  EXPECT_TRUE(check_changes(changes).empty());
  changes.memory_swap = "32M";
  EXPECT_FALSE(updated(with_limits(), changes));
  changes.memory_swap = "lots";
  EXPECT_FALSE(check_changes(changes).empty());
  Draft kept;
  kept.memory_reservation = "128M";
  EXPECT_FALSE(updated(with_limits(), kept));
}

TEST(Updated, ARestartContradictsRemovalHereToo) {
  ContainerSpec spec = with_limits();
  Draft changes;
  changes.restart = "on-failure:3";
  const auto next = updated(spec, changes);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->supervision.restart_most, 3U);
  spec.supervision.remove = true;
  EXPECT_FALSE(updated(spec, changes));
}

}  // namespace
}  // namespace nucleus::spec
