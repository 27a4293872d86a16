#include "resources/hierarchy.h"

#include <gtest/gtest.h>

#include "resources/cgroup_plan.h"

namespace nucleus::resources {
namespace {

constexpr const char* kHybridMounts =
    "30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 30 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "34 30 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "35 30 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
constexpr const char* kHybridCgroup =
    "5:memory:/docker/abc/x\n4:pids:/job\n3:cpu,cpuacct:/\n2:name=systemd:/\n0::/\n";

spec::Resources with_memory() {
  spec::Resources resources;
  resources.memory = ByteSize{64U << 20};
  resources.pids = 64;
  resources.pids_asked = true;
  return resources;
}

TEST(Hierarchy, ReadsHybridHosts) {
  const Hierarchy hierarchy = parse_hierarchy(kHybridMounts, kHybridCgroup);
  EXPECT_EQ(hierarchy.v2.mount, "/sys/fs/cgroup/unified");
  EXPECT_EQ(hierarchy.v1.at("memory").own, "/sys/fs/cgroup/memory/x");
  EXPECT_EQ(hierarchy.v1.at("pids").own, "/sys/fs/cgroup/pids/job");
  EXPECT_EQ(hierarchy.v1.at("cpuacct").own, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_FALSE(hierarchy.has_v1("name=systemd"));
}

TEST(Hierarchy, SeesThroughTheLeafOfAnEarlierStart) {
  const Hierarchy hierarchy =
      parse_hierarchy("31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                      "0::/user.slice/x.service/nucleus-supervisor\n");
  EXPECT_EQ(hierarchy.v2.own, "/sys/fs/cgroup/user.slice/x.service");
}

TEST(Hierarchy, SurvivesGarbage) {
  EXPECT_TRUE(parse_hierarchy("", "").v1.empty());
  EXPECT_TRUE(
      parse_hierarchy("x - cgroup\n- - -\n1 2 3 - cgroup cgroup rw,pids\n", "::\n:\n1:pids\n")
          .v1.empty());
}

TEST(PlanCgroup, UsesEachControllersOwnHierarchyOnV1) {
  std::vector<std::string> notes;
  const auto plan = plan_cgroup(parse_hierarchy(kHybridMounts, kHybridCgroup),
                                {.root = true, .v2_available = "\n"}, "nucleus-1",
                                {.resources = with_memory()}, notes);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->directories.size(), 2U);
  EXPECT_EQ(plan->directories[0].path, "/sys/fs/cgroup/pids/job/nucleus-1");
  EXPECT_EQ(plan->directories[1].files[0].file, "memory.limit_in_bytes");
  EXPECT_EQ(plan->directories[1].files[1].value, std::to_string(64U << 20));
  EXPECT_TRUE(plan->limits_pids);
}

TEST(PlanCgroup, UsesOneDirectoryOnV2) {
  const Hierarchy hierarchy =
      parse_hierarchy("1 2 0:1 / /cg rw - cgroup2 none rw\n", "0::/user/x\n");
  std::vector<std::string> notes;
  const auto plan =
      plan_cgroup(hierarchy, {.root = true, .v2_available = "cpu io memory pids\n"}, "nucleus-1",
                  {.resources = with_memory(), .want_usage = true}, notes);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->directories.size(), 1U);
  EXPECT_EQ(plan->directories[0].path, "/cg/nucleus-1");
  EXPECT_EQ(plan->v2_controllers, (std::vector<std::string>{"pids", "memory"}));
  const auto own =
      plan_cgroup(hierarchy, {.root = false, .delegated = true, .v2_available = "memory pids\n"},
                  "nucleus-1", {.resources = with_memory()}, notes);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->directories[0].path, "/cg/user/x/nucleus-1");
  EXPECT_TRUE(own->leave_parent);
}

TEST(PlanCgroup, RefusesALimitThatCannotBeHeldAndSaysHow) {
  const Hierarchy hierarchy =
      parse_hierarchy("1 2 0:1 / /cg rw - cgroup2 none rw\n", "0::/user/x\n");
  std::vector<std::string> notes;
  const auto plan = plan_cgroup(hierarchy, {.root = false, .v2_available = "memory pids\n"}, "n",
                                {.resources = with_memory()}, notes);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().subject, "--pids");
  EXPECT_NE(plan.error().hint.find("Delegate=yes"), std::string::npos);
  spec::Resources defaults;
  defaults.pids = 512;
  const auto fallen = plan_cgroup(hierarchy, {.root = false, .v2_available = "memory pids\n"}, "n",
                                  {.resources = defaults}, notes);
  ASSERT_TRUE(fallen);
  EXPECT_FALSE(fallen->limits_pids);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("RLIMIT_NPROC"), std::string::npos);
}

}  // namespace
}  // namespace nucleus::resources
