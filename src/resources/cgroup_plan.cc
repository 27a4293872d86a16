#include "resources/cgroup_plan.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "resources/wishes.h"
#include "sys/file.h"

namespace nucleus::resources {
namespace {

constexpr const char* kDelegationCure =
    "run it as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes nucleus "
    "run ...";

// cgroup-v1/devices.rst: a new cgroup has its parent's list, so that all of it is taken away first.
Wish devices_wish(const std::vector<DeviceRule>& rules) {
  Wish wish{.controller = "devices", .flag = "--device", .asked = true, .v1 = {}, .v2 = {}};
  wish.v1.push_back({.file = "devices.deny", .value = "a", .flag = "--device"});
  for (const DeviceRule& rule : rules)
    wish.v1.push_back({.file = "devices.allow", .value = rule.text(), .flag = "--device"});
  return wish;
}

CgroupDirectory& directory_at(CgroupPlan& plan, const std::string& path, bool v2, bool spare) {
  for (CgroupDirectory& directory : plan.directories) {
    if (directory.path == path) return directory;
  }
  plan.directories.push_back({.path = path, .v2 = v2, .spare = spare, .files = {}});
  return plan.directories.back();
}

bool has_word(const std::string& text, std::string_view word) {
  const std::string padded = " " + text + " ";
  return padded.find(" " + std::string(word) + " ") != std::string::npos ||
         padded.find(" " + std::string(word) + "\n") != std::string::npos;
}

void mark(CgroupDirectory& directory, std::string_view controller) {
  directory.memory |= controller == "memory";
  directory.pids |= controller == "pids";
  directory.cpu |= controller == "cpuacct" || (directory.v2 && controller == "cpu");
  directory.freezer |= directory.v2 || controller == "freezer";
}

}  // namespace

bool needs_cgroup(const spec::Resources& resources, bool want_usage, bool nproc_holds) {
  if (want_usage || !nproc_holds) return true;
  return std::ranges::any_of(wishes(resources, Extras::none), &Wish::asked);
}

Result<CgroupAccess> probe_access(const Hierarchy& hierarchy) {
  CgroupAccess access;
  access.root = ::geteuid() == 0;
  if (hierarchy.v2.mount.empty()) return access;
  char value = '0';
  const char* const own = hierarchy.v2.own.c_str();
  const bool marked = (::getxattr(own, "trusted.delegate", &value, 1) == 1 && value == '1') ||
                      (::getxattr(own, "user.delegate", &value, 1) == 1 && value == '1');
  const bool writable = ::access(own, W_OK) == 0 &&
                        ::access((hierarchy.v2.own + "/cgroup.procs").c_str(), W_OK) == 0 &&
                        ::access((hierarchy.v2.own + "/cgroup.subtree_control").c_str(), W_OK) == 0;
  const bool whole_tree = hierarchy.v2.own == hierarchy.v2.mount;
  access.delegated = writable && !whole_tree && (marked || !access.root);
  const std::string& parent = access.delegated ? hierarchy.v2.own : hierarchy.v2.mount;
  access.v2_available = NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, parent + "/cgroup.controllers"));
  return access;
}

Result<CgroupPlan> plan_cgroup(const Hierarchy& hierarchy, const CgroupAccess& access,
                               const std::string& name, const CgroupWishes& asked,
                               std::vector<std::string>& notes) {
  CgroupPlan plan;
  std::vector<Wish> all = wishes(asked.resources, asked.extras);
  if (!asked.devices.empty()) all.push_back(devices_wish(asked.devices));
  for (const Wish& wish : all) {
    const bool io = std::string_view(wish.controller) == "io";
    const auto v1 = hierarchy.v1.find(io ? "blkio" : wish.controller);
    // These need no controller of their own on v2: cpu.stat and cgroup.freeze are in every cgroup,
    // and devices are for a program.
    const std::string_view controller = wish.controller;
    const bool devices = controller == "devices";
    const bool always_on_v2 = controller == "cpuacct" || controller == "freezer" || devices;
    // What is only to be looked at, or may be limited later: no start fails for it.
    const bool spare = !wish.asked && (controller == "cpu" || io);
    std::string reason;
    if (v1 != hierarchy.v1.end()) {
      const bool usable = access.root || ::access(v1->second.own.c_str(), W_OK) == 0;
      if (usable) {
        CgroupDirectory& directory = directory_at(plan, v1->second.own + "/" + name, false, spare);
        directory.changes = asked.extras == Extras::life;
        directory.spare &= spare;
        directory.files.insert(directory.files.end(), wish.v1.begin(), wish.v1.end());
        mark(directory, wish.controller);
        continue;
      }
      reason = "the cgroup " + v1->second.own + " belongs to root";
    } else if (always_on_v2 || has_word(access.v2_available, wish.controller)) {
      if (access.root || access.delegated) {
        plan.v2_parent = access.delegated ? hierarchy.v2.own : hierarchy.v2.mount;
        plan.leave_parent = access.delegated;
        CgroupDirectory& directory = directory_at(plan, plan.v2_parent + "/" + name, true, false);
        directory.files.insert(directory.files.end(), wish.v2.begin(), wish.v2.end());
        if (devices) directory.devices = asked.devices;
        if (!always_on_v2)
          (spare ? plan.v2_spare : plan.v2_controllers).emplace_back(wish.controller);
        mark(directory, wish.controller);
        continue;
      }
      reason = "the cgroup " + hierarchy.v2.own + " was not delegated to you";
    } else {
      reason = "this host has no " + std::string(wish.controller) + " controller in its cgroups";
    }
    if (wish.asked && asked.may_miss) {
      plan.misses = true;
      notes.push_back("weakened: " + wish.flag + " is not enforced: " + reason);
      continue;
    }
    if (wish.asked) {
      return fail(Kind::runtime, 0, "enforce", wish.flag,
                  reason + (access.root ? "; enable the controller, or leave the flag out"
                                        : std::string("; ") + kDelegationCure));
    }
    if (std::string_view(wish.controller) == "pids") {
      notes.push_back("default limit of " + std::to_string(*asked.resources.pids) +
                      " processes by RLIMIT_NPROC: " + reason);
    }
  }
  plan.limits_pids = std::ranges::any_of(
      plan.directories, [](const CgroupDirectory& directory) { return directory.pids; });
  return plan;
}

}  // namespace nucleus::resources
