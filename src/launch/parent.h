// The parent's side of a start: clone, id maps, gate, and what comes back until the workload runs.
#pragma once

#include <functional>
#include <vector>

#include "base/error.h"
#include "launch/child/handshake.h"
#include "launch/device_tree.h"
#include "launch/launch_plan.h"
#include "resources/cgroup.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::launch {

/// What the numbers of a tree's owners become: the container's own (or an error), the same where
/// the file system can do it and nobody's where it cannot, nobody's.
enum class TreeOwners { mapped, mapped_if_possible, unmapped };

/// A source whose mount tree the parent makes, in the order of the plan's tree steps.
struct TreeSource {
  int fd = -1;  // O_PATH, opened and checked
  std::uint64_t attributes = 0;
  TreeOwners owners = TreeOwners::mapped_if_possible;
  std::string flag;
  std::vector<DeviceNode> nodes = {};  // of a /dev, which is made and not copied
  uid_t uid = 0;                       // its owner
  gid_t gid = 0;
  std::string cure = {};  // what to do when owners cannot be mapped
};

struct Hooks {
  /// Waits until `fd` can be read; an error when the user interrupts meanwhile.
  std::function<Result<>(int fd)> await;
  /// Fills the context: `directory` is the empty tmpfs of the container whose first process is
  /// `pid`.
  std::function<Result<>(int directory, pid_t pid)> fill_context;
  /// The namespaces of process `pid` are there, and nothing is in them yet; may be empty.
  std::function<Result<>(pid_t pid)> created;
  /// Reads back what is in force in process `pid`; called when the workload runs and plan.read_back
  /// is set.
  std::function<void(pid_t pid)> read_back;
};

struct Launched {
  sys::Child init;
  sys::UniqueFd socket;    // to the init; invalid without one
  sys::UniqueFd words;     // its pipe, for how the workload ended; invalid without one
  sys::UniqueFd terminal;  // its other end, with spec.terminal
  sys::UniqueFd notices;   // where the workload tells of itself, with spec.notifies(); not blocking
  bool parked = false;     // it waits for release()
  sys::UniqueFd listener;  // what the seccomp filter asks, without namespaces
  bool started = true;  // the workload is known to run; else last_word() tells whether it ever did
};

/// Starts the container. Comes back when the workload's execve has succeeded, or with what failed;
/// but when nothing has to happen at that moment (no context to fill, nothing to read back) it does
/// not wait for it: each wake-up of this process costs a start more than its slowest mount. On
/// failure nothing of the container runs any more. `notes` takes fallbacks. Kernel 5.15 (idmapped
/// mounts 5.12, CLONE_INTO_CGROUP 5.7). Call with one thread only.
[[nodiscard]] Result<Launched> launch(const LaunchPlan& plan, const resources::Cgroup& cgroup,
                                      const std::vector<TreeSource>& trees, const Hooks& hooks,
                                      std::vector<std::string>& notes);

/// Lets a parked workload go, and waits for its execve. Errors: it could not be executed.
[[nodiscard]] Result<> release(const LaunchPlan& plan, Launched& container, const Hooks& hooks);

/// One message from the socket; nothing at its end.
[[nodiscard]] Result<std::optional<child::Message>> receive(int socket, sys::UniqueFd* fd);

/// When the init is dead: how it said the workload ended, if it came to that; and the error when
/// the workload was never started.
[[nodiscard]] Result<std::optional<sys::WaitStatus>> last_word(const LaunchPlan& plan,
                                                               const Launched& container);

/// Whether the first process is still nucleus' own child that has executed nothing yet.
[[nodiscard]] bool is_being_set_up(const Launched& container);

/// What to do when a call on mounts has failed with `errnum`; empty when there is nothing to say.
[[nodiscard]] std::string mount_call_hint(int errnum);

/// The sentence behind a `failed` message (failure_text.cc).
[[nodiscard]] Error explain_failure(const LaunchPlan& plan, const child::Message& message);

}  // namespace nucleus::launch
