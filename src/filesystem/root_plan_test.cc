#include "filesystem/root_plan.h"

#include <gtest/gtest.h>
#include <linux/mount.h>

#include <algorithm>

namespace nucleus::filesystem {
namespace {

using spec::MountVerb;

HostView some_host() {
  HostView host;
  host.directories = {"usr"};
  host.links = {{"bin", "usr/bin"}};
  return host;
}

spec::ContainerSpec some_spec() {
  spec::ContainerSpec spec;
  spec.hostname = "box";
  spec.cwd = "/";
  spec.home = "/root";
  return spec;
}

const MountOp* find(const RootPlan& plan, const std::string& target, MountVerb verb) {
  const auto found = std::ranges::find_if(
      plan.ops, [&](const MountOp& op) { return op.target == target && op.verb == verb; });
  return found == plan.ops.end() ? nullptr : &*found;
}

TEST(RootPlan, TheCuratedRootIsReadOnlyButForNamedPlaces) {
  const RootPlan plan = plan_root(some_spec(), {}, some_host());
  const MountOp* const usr = find(plan, "usr", MountVerb::bind);
  ASSERT_NE(usr, nullptr);
  EXPECT_TRUE(usr->attributes & MOUNT_ATTR_RDONLY);
  EXPECT_TRUE(usr->attributes & MOUNT_ATTR_NOSUID);
  const MountOp& last = plan.ops.back();
  EXPECT_EQ(last.verb, MountVerb::attributes);
  EXPECT_EQ(last.target, ".");
  EXPECT_TRUE(last.attributes & MOUNT_ATTR_RDONLY);
  for (const Place& place : plan.places) {
    if (place.access != Access::read_write) continue;
    EXPECT_TRUE(place.path == "/tmp" || place.path == "/root" || place.path == "/dev/shm" ||
                place.path == "/dev/mqueue")
        << place.path;
  }
}

TEST(RootPlan, MasksAndReadOnlyPartsOfProcAndSys) {
  const RootPlan plan = plan_root(some_spec(), {}, some_host());
  EXPECT_NE(find(plan, "proc/kcore", MountVerb::bind_inside), nullptr);
  EXPECT_NE(find(plan, "sys/firmware", MountVerb::hide_directory), nullptr);
  const MountOp* const sysctl = find(plan, "proc/sys", MountVerb::bind_inside);
  ASSERT_NE(sysctl, nullptr);
  EXPECT_TRUE(sysctl->attributes & MOUNT_ATTR_RDONLY);
}

TEST(RootPlan, ARootfsIsALowerLayerNeverWritten) {
  spec::ContainerSpec spec = some_spec();
  spec.rootfs = "/images/a";
  const RootPlan plan = plan_root(spec, {}, some_host());
  EXPECT_EQ(find(plan, "usr", MountVerb::bind), nullptr);
  const auto overlay = std::ranges::find(plan.ops, MountVerb::overlay, &MountOp::verb);
  ASSERT_NE(overlay, plan.ops.end());
  EXPECT_NE(overlay->text.find("lowerdir=lower"), std::string::npos);
  EXPECT_TRUE(overlay->attributes & MOUNT_ATTR_NODEV);
}

TEST(RootPlan, VolumesComeAfterTheRootsOwnMounts) {
  spec::ContainerSpec spec = some_spec();
  spec.volumes = {{.source = "/a", .target = "/tmp/b", .writable = false},
                  {.source = "/c", .target = "/d", .writable = true}};
  Sources sources;
  sources.volumes = {{.inode = 1}, {.inode = 2, .directory = false}};
  const RootPlan plan = plan_root(spec, sources, some_host());
  const MountOp* const tmp = find(plan, "tmp", MountVerb::tmpfs);
  const MountOp* const below = find(plan, "tmp/b", MountVerb::bind);
  const MountOp* const writable = find(plan, "d", MountVerb::bind);
  ASSERT_TRUE(tmp != nullptr && below != nullptr && writable != nullptr);
  EXPECT_LT(tmp, below);
  EXPECT_TRUE(below->attributes & MOUNT_ATTR_RDONLY);
  EXPECT_FALSE(writable->attributes & MOUNT_ATTR_RDONLY);
  EXPECT_TRUE(writable->flags & spec::kTargetFile);
  EXPECT_EQ(writable->expected.inode, 2U);
}

TEST(RootPlan, TheHostsNetworkBringsNoSysfs) {
  spec::ContainerSpec spec = some_spec();
  spec.network = spec::NetworkMode::host;
  const RootPlan plan = plan_root(spec, {}, some_host());
  EXPECT_EQ(find(plan, "sys", MountVerb::sysfs), nullptr);
  EXPECT_EQ(find(plan, "sys/firmware", MountVerb::hide_directory), nullptr);
}

}  // namespace
}  // namespace nucleus::filesystem
