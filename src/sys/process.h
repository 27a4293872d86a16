// Processes as pidfds: the number of a process may be somebody else's by the time it is used, its
// pidfd never is. A child of ours is the exception: its number stays its own until we have reaped
// it, which is what is used where a filter hides the calls on pidfds.
//
// Source: pidfd_open(2), pidfd_send_signal(2), waitid(2) P_PIDFD. Kernel 5.4.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::sys {

/// How a process ended.
struct WaitStatus {
  int code = 0;    // its exit code, when signal is 0
  int signal = 0;  // the signal that ended it, or 0
  bool core = false;
};

/// A child of ours. Destroying it kills and reaps it: no path leaves a process behind.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), running_(true), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { destroy(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// -1 when the kernel gives none (see fork_with_pidfd).
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Not yet reaped.
  [[nodiscard]] bool running() const { return running_; }

  /// Sends `signal`. ESRCH (it has ended) counts as done.
  Result<> send_signal(int signal) const;

  /// Waits until it ends and reaps it.
  Result<WaitStatus> wait();

  /// Its status when it has ended already, without waiting.
  Result<std::optional<WaitStatus>> try_wait();

  /// Its parent is another process, of which this one is a fork. From now on its end is seen by its
  /// pidfd, which it must have, and how it ended is not: SIGKILL is said.
  void disown() { ours_ = false; }

  /// Its status when it has ended already: reaped, but with the pidfd kept, at which forks of this
  /// process see the end. After that it is as if disowned.
  Result<std::optional<WaitStatus>> collect();

 private:
  void destroy();
  Result<std::optional<WaitStatus>> reap(int options);
  Result<std::optional<WaitStatus>> collect(int options);
  Result<std::optional<WaitStatus>> await_end(bool wait);

  pid_t pid_ = -1;
  bool running_ = false;
  bool ours_ = true;
  UniqueFd pidfd_;
};

/// When a process was started, in ticks since the boot: with its number it is one process and no
/// other. Nothing when there is none, or it has been reaped. Source: proc(5), /proc/PID/stat.
[[nodiscard]] std::optional<std::uint64_t> start_ticks(pid_t pid);

/// What to do when a process could not be made: for EAGAIN; empty for other errors.
[[nodiscard]] std::string process_limit_hint(int errnum);

/// fork(2) with a pidfd, without one where pidfd_open(2) is missing (ENOSYS). `in_child` tells
/// which side this is. Call fork_child instead.
Result<Child> fork_with_pidfd(bool& in_child);

/// The function runs in a forked child, whose exit code is what it returns; it leaves by _exit.
template <typename Function>
Result<Child> fork_child(Function&& function) {
  bool in_child = false;
  Result<Child> child = fork_with_pidfd(in_child);
  if (in_child) ::_exit(function());
  return child;
}

}  // namespace nucleus::sys
