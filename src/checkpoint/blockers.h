// What keeps a container's processes from being checkpointed, said before anything is tried.
//
// CRIU saves most of what a process has; what it does not know, or what reaches out of the
// container, makes the dump fail half-way. It is looked for in proc(5): each process' descriptors
// and what holds it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace nucleus::checkpoint {

struct Blocker {
  pid_t pid = 0;      // the host's number
  std::string where;  // "descriptor 7", "the process"
  std::string what;   // "an io_uring"
  std::string cure;   // what to do about it
};

/// What of a socket decides whether it can be saved.
struct Socket {
  int family = 0;
  bool connected = false;  // TCP with a peer
  bool outside = false;    // of another network namespace than its process
  pid_t peer = 0;          // of a unix socket, when it is connected
};

/// What a look at one descriptor finds.
struct Descriptor {
  std::string link;        // /proc/PID/fd/N
  bool device = false;     // a character or block device
  std::uint64_t size = 0;  // of a file
  bool locked = false;     // /proc/PID/fdinfo/N: a lock is held
  std::optional<Socket> socket = {};
};

struct Obstacle {
  std::string what, cure;
};

/// What is in the way about one descriptor of a container of these processes. Pure.
[[nodiscard]] std::optional<Obstacle> obstacle_of(const Descriptor& descriptor,
                                                  std::span<const pid_t> processes);

/// Looks at each of these processes, but for `init`, which is nucleus' own. Errors: one of them may
/// not be looked at (EPERM). One that ends meanwhile has nothing in the way. Kernel 5.6. Source:
/// proc(5), pidfd_getfd(2), socket(7).
[[nodiscard]] Result<std::vector<Blocker>> find_blockers(std::span<const pid_t> processes,
                                                         std::optional<pid_t> init);

}  // namespace nucleus::checkpoint
