// What there is on the host that containers make: compared before and after.
#pragma once

#include <set>
#include <string>

namespace nucleus::stress {

struct Snapshot {
  std::set<std::string> processes;  // of nucleus, and those of workloads by `marker`
  std::set<std::string> cgroups, mounts, interfaces, shared_memory, descriptors, records;

  /// `marker`: a word on the command line of each workload. `root`: the state root.
  [[nodiscard]] static Snapshot take(const std::string& marker, const std::string& root);

  /// A line for each thing that is in `later` and was not here.
  [[nodiscard]] std::string added(const Snapshot& later) const;
};

}  // namespace nucleus::stress
