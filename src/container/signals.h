// The signals that reach nucleus while a container runs: held back from the first moment, read as
// data, passed on.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

/// Blocks every signal that is to be passed on, for as long as it lives. What stops a process from
/// a terminal (SIGTSTP, SIGTTIN, SIGTTOU), SIGCHLD, and what a fault raises keep their effect on
/// nucleus itself.
class Signals {
 public:
  Signals() = default;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  Result<> hold();

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// The next one, if there is one.
  [[nodiscard]] std::optional<int> next() const;

  /// Waits until `fd` can be read; fails when a signal that ends a program comes first.
  Result<> await(int fd);

  /// The same, no longer than `patience`, or for ever when that is negative. Whether it can be
  /// read.
  Result<bool> await(int fd, std::chrono::milliseconds patience);

  /// The error of a start that `signal` has ended; nothing for one that ends no program.
  [[nodiscard]] Result<> interrupt(int signal);

  /// The signal that ended the start, or 0.
  [[nodiscard]] int interrupted_by() const { return interrupted_by_; }

 private:
  sys::UniqueFd fd_;
  sigset_t before_{};
  int interrupted_by_ = 0;
};

/// "SIGTERM" for a number.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace nucleus::container
