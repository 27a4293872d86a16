// Which cgroup directories a container gets and what is written into each: decided before anything
// is made.
//
// v1 hosts: one directory a controller that is needed, below our own cgroup. v2 hosts: one
// directory, below the root (as root) or below our own cgroup when it was delegated to us. Sources:
// cgroup-v2.rst, cgroup-v1/{memory,pids}.rst.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "resources/device_program.h"
#include "resources/hierarchy.h"
#include "spec/container_spec.h"

namespace nucleus::resources {

struct LimitFile {
  std::string file;
  std::string value;
  std::string flag;  // whose wish it is, for the error
  bool if_there =
      false;  // a file that some kernels lack without harm (swap accounting switched off)
};

struct CgroupDirectory {
  std::string path;
  bool v2 = false;
  bool memory = false, pids = false, cpu = false;  // which counters can be read here
  std::vector<LimitFile> files = {};
  std::vector<DeviceRule> devices = {};  // v2: what may be opened; empty: everything
};

struct CgroupPlan {
  std::vector<CgroupDirectory> directories;
  std::string v2_parent;                    // where controllers must be enabled for the child
  std::vector<std::string> v2_controllers;  // which
  bool leave_parent = false;  // v2_parent holds processes (ours): move them to a leaf first
  bool misses = false;        // a limit is not set, as CgroupWishes let it
  bool limits_pids = false;   // false: the pids limit falls to RLIMIT_NPROC

  [[nodiscard]] bool empty() const { return directories.empty(); }
};

/// What the host lets this caller do. Probed by container/, given here so that planning stays pure.
struct CgroupAccess {
  bool root = false;  // may make directories anywhere
  bool delegated =
      false;  // our own v2 cgroup was handed to us (delegate xattr, or owned by the caller)
  std::string v2_available;  // cgroup.controllers of the v2 parent that would be used
};

/// False when the only limit is a default one for processes: RLIMIT_NPROC counts those of a user
/// namespace of its own (`nproc_holds`) as exactly, and only keeps no record. Making, entering and
/// removing a cgroup can cost as much as the rest of a start.
[[nodiscard]] bool needs_cgroup(const spec::Resources& resources, bool want_usage,
                                bool nproc_holds);

/// What a cgroup is to hold a container to.
struct CgroupWishes {
  const spec::Resources& resources;
  bool want_usage = false;               // peak memory and CPU time are to be reported
  bool may_miss = false;                 // a limit that cannot be set is a note
  std::vector<DeviceRule> devices = {};  // may be opened, and no others; empty: not held here
};

[[nodiscard]] Result<CgroupAccess> probe_access(const Hierarchy& hierarchy);

/// Errors: a limit that was asked for
/// and cannot be set here, with the reason and the cure.
[[nodiscard]] Result<CgroupPlan> plan_cgroup(const Hierarchy& hierarchy, const CgroupAccess& access,
                                             const std::string& name, const CgroupWishes& asked,
                                             std::vector<std::string>& notes);

}  // namespace nucleus::resources
