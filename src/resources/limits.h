// Other limits for a container that runs: only the files that differ are written. cgroup-v2.rst,
// cgroup-v1/{memory,pids,blkio-controller}.rst.
#pragma once

#include "base/error.h"
#include "base/undo.h"
#include "resources/cgroup.h"
#include "spec/container_spec.h"

namespace nucleus::resources {

/// Writes what `to` has other than `from`, and into `undo` how it was before: the caller dismisses
/// it when all went well. Errors: the container has no cgroup for it; it uses more memory than it
/// would be left; the kernel's, naming the file.
[[nodiscard]] Result<> change_limits(const Cgroup& cgroup, const spec::Resources& from,
                                     const spec::Resources& to, Undo& undo);

/// One write of a change, and the one that takes it back. Empty `before`: what is read in the file.
struct LimitChange {
  LimitFile write;
  std::string before;
};

/// Pure: the writes for one version of cgroups, by controller and in an order that no moment of it
/// is refused.
struct ControllerChange {
  const char* controller;
  std::vector<LimitChange> v1, v2;
};
[[nodiscard]] std::vector<ControllerChange> limit_changes(const spec::Resources& from,
                                                          const spec::Resources& to);

}  // namespace nucleus::resources
