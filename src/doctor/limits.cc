// cgroups: the layout, and for which controllers this caller can set limits. The plan of a start
// decides: what it refuses, a start refuses.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "doctor/probes.h"
#include "isolation/obstacle.h"
#include "resources/cgroup_plan.h"
#include "resources/hierarchy.h"

namespace nucleus::doctor {
namespace {

struct Wish {
  const char* controller;
  spec::Resources limits;
};

std::vector<Wish> wishes() {
  std::vector<Wish> all(5);
  all[0].controller = "memory";
  all[0].limits.memory = ByteSize{1U << 30};
  all[1].controller = "pids";
  all[1].limits.pids = 64;
  all[1].limits.pids_asked = true;
  all[2].controller = "cpu";
  all[2].limits.cpus = CpuQuota{};
  all[3].controller = "cpuset";
  all[3].limits.cpuset_cpus = "0";
  all[4].controller = "io";
  all[4].limits.io = {{.device = "8:0", .key = "rbps", .value = 1U << 30}};
  return all;
}

std::string layout(const resources::Hierarchy& hierarchy) {
  std::string v1;
  for (const auto& [controller, mounted] : hierarchy.v1) v1 += (v1.empty() ? "" : " ") + controller;
  const bool v2 = !hierarchy.v2.mount.empty();
  if (v1.empty()) return v2 ? "v2 at " + hierarchy.v2.mount : "";
  return v2 ? "hybrid: v2 at " + hierarchy.v2.mount + ", v1 with " + v1 : "v1 with " + v1;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

std::vector<Item> look_at_cgroups(bool root) {
  Item shape{.id = "cgroups", .found = ""};
  Item limits{.id = "cgroup-limits", .found = ""};
  const auto hierarchy = resources::read_hierarchy();
  shape.found = hierarchy ? layout(*hierarchy) : hierarchy.error().text();
  if (shape.found.empty() || !hierarchy) {
    if (hierarchy) shape.found = "none is mounted that can be seen from here";
    shape.status = limits.status = Status::missing;
    shape.fix = "mount -t cgroup2 none /sys/fs/cgroup";
    limits.found = "no limits on memory, processes and processors: there are no cgroups";
    limits.fix = shape.fix;
    return {std::move(shape), std::move(limits)};
  }
  const auto access = resources::probe_access(*hierarchy);
  if (!access) {
    limits.status = Status::blocked;
    limits.found = access.error().text();
    return {std::move(shape), std::move(limits)};
  }
  std::string can;
  std::string cannot;
  std::string why;
  bool basic = true;
  for (const Wish& wish : wishes()) {
    std::vector<std::string> notes;
    const auto plan = resources::plan_cgroup(
        *hierarchy, *access, "nucleus-doctor",
        {.resources = wish.limits, .want_usage = false, .may_miss = false, .devices = {}}, notes);
    std::string reason = plan ? "" : plan.error().hint;
    for (std::size_t at = 0; plan && at < plan->directories.size(); ++at) {
      const std::string parent = parent_of(plan->directories[at].path);
      if (::access(parent.c_str(), W_OK) < 0) reason = parent + ": " + errno_text(errno);
    }
    if (reason.empty()) {
      can += (can.empty() ? "" : " ") + std::string(wish.controller);
      continue;
    }
    cannot += (cannot.empty() ? "" : " ") + std::string(wish.controller);
    if (why.empty()) why = reason;
    const std::string_view name = wish.controller;
    basic = basic && name != "memory" && name != "pids" && name != "cpu";
  }
  limits.found = can.empty() ? "none can be set" : "can be set for " + can;
  if (!cannot.empty()) limits.found += "; not for " + cannot + ": " + why.substr(0, why.find(';'));
  if (can.empty()) {
    limits.status = Status::blocked;
  } else if (!basic) {
    limits.status = Status::weak;
  }
  if (limits.status != Status::ok) {
    limits.fix = root ? "mount the cgroups writable; a container around us needs a cgroup "
                        "namespace of its own and a writable /sys/fs/cgroup"
                      : "systemd-run --user --scope -p Delegate=yes nucleus run ...";
  }
  return {std::move(shape), std::move(limits)};
}

}  // namespace nucleus::doctor
