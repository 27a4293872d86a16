// A process with all that came of it, where no cgroup holds them together: proc(5).
#pragma once

#include <sys/types.h>

namespace nucleus::sys {

/// SIGKILL to `pid`, to its session, and to their descendants, until none is left. What has left
/// the session and lost its parents is not found.
void kill_tree(pid_t pid);

}  // namespace nucleus::sys
