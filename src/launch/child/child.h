// The code between clone3 and execve. No heap, no locks, no errno, no exceptions, no return.
#pragma once

#include "launch/child/handshake.h"
#include "launch/child/script.h"

namespace nucleus::launch::child {

/// Runs the script; ends by execve or _exit. On a failure it sends `failed` and exits with 125.
[[noreturn]] void run_script(const Script& script);

/// The same for a further process of a running container.
[[noreturn]] void run_join(const Script& script);

// The parts, each in its own file. All of them report through fail_step and do not come back from a
// failure.

[[noreturn]] void fail_step(const Script& script, Step step, std::size_t index, long result);

inline void check(const Script& script, Step step, std::size_t index, long result) {
  if (result < 0) fail_step(script, step, index, result);
}

/// Answers as sendmsg(2) does: a parent that waits for what has not arrived waits for ever.
long send(const Script& script, const Message& message, int fd);

/// The mount trees that come with `go`, in the order of the script's tree steps.
struct Trees {
  int fds[kMostTrees] = {};
  std::size_t count = 0;
};

/// Blocks until the parent says `kind`; `trees` takes the descriptors that came along, a null
/// pointer drops them. The parent's death ends this process.
void expect(const Script& script, MessageKind kind, Trees* trees);

/// Into each of the script's cgroups.
void enter_cgroups(const Script& script);

/// From here on this process ends with its parent.
void die_with_parent(const Script& script);

/// The ids that the container calls its root's, or its only ones.
void become_root_of_namespace(const Script& script);

/// What comes behind the root: signals, descriptors, seal, execve.
[[noreturn]] void finish_script(const Script& script);

/// Builds the new root and makes it the only one.
void build_root(const Script& script, const Trees& trees);

/// Makes a terminal of the new root's devpts, puts it on the three streams, and sends the other end
/// to the parent.
void open_terminal(const Script& script);

/// Makes a datagram socket called `name` in the open directory, and hands it to the parent. 0, or
/// -errno. Changes the working directory.
long offer_socket(const Script& script, long directory, const char* name);

/// Everything from no_new_privs to seccomp.
void seal(const Script& script);

}  // namespace nucleus::launch::child
