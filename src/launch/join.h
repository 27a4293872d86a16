// The parent's side of a further process in a running container: `nucleus exec`.
#pragma once

#include <array>

#include "base/error.h"
#include "launch/launch_plan.h"
#include "resources/cgroup.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::launch {

struct JoinRequest {
  int pidfd = -1;                             // of a process whose namespaces are to be joined
  std::array<int, 3> streams = {-1, -1, -1};  // without a terminal
  const resources::Cgroup* cgroup = nullptr;
  const resources::Leaf* leaf = nullptr;  // the cgroup of its own below; may be empty
};

struct Joined {
  sys::Child process;
  sys::UniqueFd terminal;  // its other end, with spec.terminal
};

/// `plan` is the container's own with the command, directory, identity and terminal of this one, no
/// init, and nothing to be built. Comes back when the command's execve has succeeded. Errors: as
/// launch(); nothing runs then. Kernel 5.8.
[[nodiscard]] Result<Joined> join(const LaunchPlan& plan, const JoinRequest& request);

}  // namespace nucleus::launch
