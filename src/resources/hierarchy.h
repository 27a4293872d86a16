// Where this host keeps its cgroup controllers, on v1, v2 and mixed hosts: cgroups(7), proc(5)
// mountinfo and cgroup.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace nucleus::resources {

/// Where processes of a delegated cgroup go when it comes to hold containers, since a cgroup that
/// distributes controllers holds none itself (cgroup-v2.rst, "No Internal Process Constraint").
inline constexpr std::string_view kSupervisorLeaf = "/nucleus-supervisor";

/// One mounted hierarchy as this process sees it.
struct Mounted {
  std::string mount;  // where it is mounted: "/sys/fs/cgroup/memory"
  std::string own;    // the directory of our own cgroup in it: mount + path, less kSupervisorLeaf
};

struct Hierarchy {
  std::map<std::string, Mounted, std::less<>> v1;  // by controller
  Mounted v2;                                      // mount is empty when there is none

  [[nodiscard]] bool has_v1(std::string_view controller) const { return v1.contains(controller); }
};

/// Pure: the texts of /proc/self/mountinfo and /proc/self/cgroup.
[[nodiscard]] Hierarchy parse_hierarchy(const std::string& mountinfo, const std::string& cgroup);

[[nodiscard]] Result<Hierarchy> read_hierarchy();

}  // namespace nucleus::resources
