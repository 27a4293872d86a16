#include "resources/limits.h"

#include <gtest/gtest.h>

#include "resources/hierarchy.h"

namespace nucleus::resources {
namespace {

spec::Resources memory(std::uint64_t mib, std::optional<std::uint64_t> both = std::nullopt) {
  spec::Resources resources;
  resources.memory = ByteSize{mib << 20U};
  if (both) resources.memory_swap = ByteSize{*both << 20U};
  return resources;
}

TEST(LimitChanges, WriteOnlyWhatDiffers) {
  spec::Resources from = memory(64);
  from.cpus = CpuQuota{50'000};
  spec::Resources to = from;
  EXPECT_TRUE(limit_changes(from, to).empty());
  to.cpus = CpuQuota{150'000};
  const auto changes = limit_changes(from, to);
  ASSERT_EQ(changes.size(), 1U);
  ASSERT_EQ(changes[0].v1.size(), 1U);
  EXPECT_EQ(changes[0].v1[0].write.file, "cpu.cfs_quota_us");
  EXPECT_EQ(changes[0].v2[0].write.value, "150000 100000");
}

TEST(LimitChanges, KeepMemoryAndSwapInOrderBothWays) {
  const auto up = limit_changes(memory(64), memory(128));
  EXPECT_EQ(up[0].v1[0].write.file, "memory.memsw.limit_in_bytes");
  const auto down = limit_changes(memory(128), memory(64));
  EXPECT_EQ(down[0].v1[0].write.file, "memory.limit_in_bytes");
  const auto swap = limit_changes(memory(64), memory(64, 96));
  ASSERT_EQ(swap[0].v1.size(), 1U);
  EXPECT_EQ(swap[0].v1[0].write.value, std::to_string(96ULL << 20U));
  EXPECT_EQ(swap[0].v2[0].write.value, std::to_string(32ULL << 20U));
}

TEST(LimitChanges, AnUnlimitedNumberOfProcessesIsWritten) {
  spec::Resources from;
  from.pids = 10;
  const auto changes = limit_changes(from, spec::Resources());
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].v2[0].write.value, "max");
}

TEST(LimitChanges, ADevicesLineIsTakenBackAsItWas) {
  spec::Resources from;
  from.io = {{.device = "8:0", .key = "rbps", .value = 100}};
  spec::Resources to = from;
  to.io[0].value = 200;
  to.io.push_back({.device = "8:0", .key = "wiops", .value = 5});
  const auto changes = limit_changes(from, to);
  ASSERT_EQ(changes.size(), 1U);
  ASSERT_EQ(changes[0].v2.size(), 2U);
  EXPECT_EQ(changes[0].v2[0].before, "8:0 rbps=100");
  EXPECT_EQ(changes[0].v2[1].before, "8:0 wiops=max");
  EXPECT_EQ(changes[0].v1[0].before, "8:0 100");
  EXPECT_EQ(changes[0].v1[1].before, "8:0 0");
}

TEST(PlanCgroup, ALifeHasAFreezerAndRoomForLaterLimits) {
  const Hierarchy v1 = parse_hierarchy(
      "1 2 0:1 / /f rw - cgroup cgroup rw,freezer\n2 2 0:2 / /c rw - cgroup cgroup "
      "rw,cpu,cpuacct\n",
      "2:freezer:/\n1:cpu,cpuacct:/\n");
  std::vector<std::string> notes;
  const auto plan =
      plan_cgroup(v1, {.root = true, .v2_available = ""}, "n", {}, Extras::life, notes);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->directories.size(), 2U);
  EXPECT_EQ(plan->directories[0].path, "/c/n");
  EXPECT_FALSE(plan->directories[0].spare);  // CPU time is counted there too
  EXPECT_TRUE(plan->directories[1].freezer);
  const Hierarchy v2 = parse_hierarchy("1 2 0:1 / /cg rw - cgroup2 none rw\n", "0::/\n");
  const auto one = plan_cgroup(v2, {.root = true, .v2_available = "cpu io memory\n"}, "n", {},
                               Extras::life, notes);
  ASSERT_TRUE(one);
  ASSERT_EQ(one->directories.size(), 1U);
  EXPECT_TRUE(one->directories[0].freezer);
  EXPECT_EQ(one->v2_spare, (std::vector<std::string>{"cpu", "io"}));
  EXPECT_EQ(one->v2_controllers, std::vector<std::string>{"memory"});
}

}  // namespace
}  // namespace nucleus::resources
