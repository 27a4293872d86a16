#include "resources/cgroup_plan.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/file.h"

namespace nucleus::resources {
namespace {

constexpr const char* kDelegationCure =
    "run it as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes nucleus "
    "run ...";

// The wishes, by controller and free of any layout: flag, and the files of either version.
struct Wish {
  const char* controller;
  std::string flag;
  bool asked;  // refused when it cannot be met; otherwise left out with a note
  std::vector<LimitFile> v1, v2;
};

// cgroup v1 counts weight as shares with 1024 for v2's 100; the kernel's own bounds are 2 and
// 262144.
std::uint64_t shares_of_weight(std::uint32_t weight) {
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(weight) * 1024 / 100, 2, 262'144);
}

std::string number(std::uint64_t value) { return std::to_string(value); }

Wish memory_wish(const spec::Resources& resources) {
  Wish wish{.controller = "memory", .flag = "--memory", .asked = true, .v1 = {}, .v2 = {}};
  if (resources.memory_reservation) {
    const std::string kept = number(resources.memory_reservation->bytes);
    wish.v1 = {
        {.file = "memory.soft_limit_in_bytes", .value = kept, .flag = "--memory-reservation"}};
    wish.v2 = {{.file = "memory.low", .value = kept, .flag = "--memory-reservation"}};
  }
  if (!resources.memory) return wish;
  const std::uint64_t memory = resources.memory->bytes;
  const std::uint64_t both = resources.memory_swap ? resources.memory_swap->bytes : memory;
  // v1 keeps memsw >= limit at every moment; a new cgroup has both without a limit, so the smaller
  // goes first.
  const std::vector<LimitFile> v1 = {
      {.file = "memory.limit_in_bytes", .value = number(memory), .flag = "--memory"},
      {.file = "memory.memsw.limit_in_bytes",
       .value = number(both),
       .flag = "--memory-swap",
       .if_there = !resources.memory_swap}};
  const std::vector<LimitFile> v2 = {
      {.file = "memory.max", .value = number(memory), .flag = "--memory"},
      {.file = "memory.swap.max",
       .value = number(both - memory),
       .flag = "--memory-swap",
       .if_there = !resources.memory_swap},
      {.file = "memory.oom.group", .value = "1", .flag = "--memory"}};
  wish.v1.insert(wish.v1.end(), v1.begin(), v1.end());
  wish.v2.insert(wish.v2.end(), v2.begin(), v2.end());
  return wish;
}

// blkio-controller.rst, "Throttling/Upper limit policy", and cgroup-v2.rst, "io.max".
Wish io_wish(const spec::Resources& resources) {
  Wish wish{.controller = "io", .flag = "--io-limit", .asked = true, .v1 = {}, .v2 = {}};
  for (const spec::IoLimit& limit : resources.io) {
    const bool bytes = limit.key == "rbps" || limit.key == "wbps";
    const std::string file = std::string("blkio.throttle.") +
                             (limit.key.starts_with('r') ? "read" : "write") +
                             (bytes ? "_bps_device" : "_iops_device");
    wish.v1.push_back(
        {.file = file, .value = limit.device + " " + number(limit.value), .flag = "--io-limit"});
    wish.v2.push_back({.file = "io.max",
                       .value = limit.device + " " + limit.key + "=" + number(limit.value),
                       .flag = "--io-limit"});
  }
  return wish;
}

std::vector<Wish> wishes(const spec::Resources& resources, bool want_usage) {
  std::vector<Wish> all;
  if (resources.pids) {
    const LimitFile limit{.file = "pids.max", .value = number(*resources.pids), .flag = "--pids"};
    all.push_back({.controller = "pids",
                   .flag = "--pids",
                   .asked = resources.pids_asked,
                   .v1 = {limit},
                   .v2 = {limit}});
  }
  if (resources.memory || resources.memory_reservation) {
    all.push_back(memory_wish(resources));
  } else if (want_usage) {
    all.push_back({.controller = "memory", .flag = "--json", .asked = false, .v1 = {}, .v2 = {}});
  }
  if (resources.cpus) {
    const std::string period = number(CpuQuota::kPeriodUsec);
    const std::string quota = number(resources.cpus->quota_usec);
    all.push_back({.controller = "cpu",
                   .flag = "--cpus",
                   .asked = true,
                   .v1 = {{.file = "cpu.cfs_period_us", .value = period, .flag = "--cpus"},
                          {.file = "cpu.cfs_quota_us", .value = quota, .flag = "--cpus"}},
                   .v2 = {{.file = "cpu.max", .value = quota + " " + period, .flag = "--cpus"}}});
  }
  if (resources.cpu_weight) {
    all.push_back({.controller = "cpu",
                   .flag = "--cpu-weight",
                   .asked = true,
                   .v1 = {{.file = "cpu.shares",
                           .value = number(shares_of_weight(*resources.cpu_weight)),
                           .flag = "--cpu-weight"}},
                   .v2 = {{.file = "cpu.weight",
                           .value = number(*resources.cpu_weight),
                           .flag = "--cpu-weight"}}});
  }
  if (!resources.io.empty()) all.push_back(io_wish(resources));
  if (!resources.cpuset_cpus.empty() || !resources.cpuset_mems.empty()) {
    Wish wish{.controller = "cpuset", .flag = "--cpuset-cpus", .asked = true, .v1 = {}, .v2 = {}};
    // A v1 cpuset takes no task before both lists are set; an empty wish means "as the parent",
    // filled in by create().
    wish.v1 = {{.file = "cpuset.cpus", .value = resources.cpuset_cpus, .flag = "--cpuset-cpus"},
               {.file = "cpuset.mems", .value = resources.cpuset_mems, .flag = "--cpuset-mems"}};
    for (const LimitFile& file : wish.v1) {
      if (!file.value.empty()) wish.v2.push_back(file);
    }
    all.push_back(std::move(wish));
  }
  if (want_usage)
    all.push_back({.controller = "cpuacct", .flag = "--json", .asked = false, .v1 = {}, .v2 = {}});
  return all;
}

// cgroup-v1/devices.rst: a new cgroup has its parent's list, so that all of it is taken away first.
Wish devices_wish(const std::vector<DeviceRule>& rules) {
  Wish wish{.controller = "devices", .flag = "--device", .asked = true, .v1 = {}, .v2 = {}};
  wish.v1.push_back({.file = "devices.deny", .value = "a", .flag = "--device"});
  for (const DeviceRule& rule : rules)
    wish.v1.push_back({.file = "devices.allow", .value = rule.text(), .flag = "--device"});
  return wish;
}

CgroupDirectory& directory_at(CgroupPlan& plan, const std::string& path, bool v2) {
  for (CgroupDirectory& directory : plan.directories) {
    if (directory.path == path) return directory;
  }
  plan.directories.push_back({.path = path, .v2 = v2, .files = {}});
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
}

}  // namespace

bool needs_cgroup(const spec::Resources& resources, bool want_usage, bool nproc_holds) {
  if (want_usage || !nproc_holds) return true;
  return std::ranges::any_of(wishes(resources, false), &Wish::asked);
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
  std::vector<Wish> all = wishes(asked.resources, asked.want_usage);
  if (!asked.devices.empty()) all.push_back(devices_wish(asked.devices));

  for (const Wish& wish : all) {
    const bool io = std::string_view(wish.controller) == "io";
    const auto v1 = hierarchy.v1.find(io ? "blkio" : wish.controller);
    // These need no controller on v2: cpu.stat is in every cgroup, and devices are for a program.
    const bool devices = std::string_view(wish.controller) == "devices";
    const bool always_on_v2 = std::string_view(wish.controller) == "cpuacct" || devices;

    std::string reason;
    if (v1 != hierarchy.v1.end()) {
      const bool usable = access.root || ::access(v1->second.own.c_str(), W_OK) == 0;
      if (usable) {
        CgroupDirectory& directory = directory_at(plan, v1->second.own + "/" + name, false);
        directory.files.insert(directory.files.end(), wish.v1.begin(), wish.v1.end());
        mark(directory, wish.controller);
        continue;
      }
      reason = "the cgroup " + v1->second.own + " belongs to root";
    } else if (always_on_v2 || has_word(access.v2_available, wish.controller)) {
      if (access.root || access.delegated) {
        plan.v2_parent = access.delegated ? hierarchy.v2.own : hierarchy.v2.mount;
        plan.leave_parent = access.delegated;
        CgroupDirectory& directory = directory_at(plan, plan.v2_parent + "/" + name, true);
        directory.files.insert(directory.files.end(), wish.v2.begin(), wish.v2.end());
        if (devices) directory.devices = asked.devices;
        if (!always_on_v2) plan.v2_controllers.emplace_back(wish.controller);
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
      notes.push_back("default limit of " + number(*asked.resources.pids) +
                      " processes by RLIMIT_NPROC: " + reason);
    }
  }
  plan.limits_pids = std::ranges::any_of(
      plan.directories, [](const CgroupDirectory& directory) { return directory.pids; });
  return plan;
}

}  // namespace nucleus::resources
