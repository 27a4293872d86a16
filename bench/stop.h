// A benchmark that is told to stop, or hangs, ends what it has started.
#pragma once

#include <cerrno>
#include <csignal>
#include <string>

namespace nucleus::bench {

/// A call that takes longer is killed and counts as failed: see alarm(2).
inline constexpr unsigned kHangSeconds = 60;

/// Thrown by check_stop(), so that every destructor runs.
struct Interrupted {
  int signal = 0;
};

/// SIGINT, SIGTERM, SIGHUP, SIGPIPE and SIGALRM interrupt the call that waits.
void install_handlers();

/// Throws Interrupted once a signal other than SIGALRM has come.
void check_stop();

/// Throws std::system_error.
[[noreturn]] void fail(const std::string& what, int error = errno);

}  // namespace nucleus::bench
