// Work on a container's files by a process that is inside: in its user and mount namespaces, with
// nothing of the host's but the descriptors it was given. Whatever a path of the container's leads
// to, it is something of the container's.
#pragma once

#include <functional>

#include "base/error.h"
#include "store/store.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::cli {

/// A container's first process, and whether it has a user namespace of its own.
struct Inside {
  sys::UniqueFd pidfd;
  bool user_namespace = true;
};

/// Errors: Kind::usage, it does not run, or has no root of its own.
[[nodiscard]] Result<Inside> reach(const store::Store& store, const std::string& id);

/// Runs `work` in a child that has gone inside, as root there and with no more than it takes to
/// read and write files. `with_us`: it is killed when we are. Its exit code is what `work` returns.
/// It is told when it could not go inside. Kernel 5.8. Source: setns(2) with a pidfd.
[[nodiscard]] Result<sys::Child> fork_inside(const Inside& inside, bool with_us,
                                             const std::function<int(const Result<>&)>& work);

}  // namespace nucleus::cli
