#include "container/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace nucleus::container {
namespace {

// 32 and 33 are glibc's own.
constexpr int kKept[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGSEGV, SIGBUS,
                         SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,  SIGPIPE, 32,      33};

bool ends_a_start(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

}  // namespace

Signals::~Signals() {
  if (fd_.valid()) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Result<> Signals::hold() {
  sigset_t held;
  ::sigfillset(&held);
  for (const int signal : kKept) ::sigdelset(&held, signal);
  // With SIGCHLD ignored, as some callers leave it, the kernel would reap our children before we
  // can ask.
  if (::signal(SIGCHLD, SIG_DFL) == SIG_ERR)
    return fail(Kind::runtime, errno, "reset the disposition of", "SIGCHLD");
  if (::sigprocmask(SIG_BLOCK, &held, &before_) < 0)
    return fail(Kind::runtime, errno, "block", "signals");
  fd_ = sys::UniqueFd(::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_.valid()) return fail(Kind::runtime, errno, "make", "a signalfd");
  return {};
}

std::optional<int> Signals::next() const {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

Result<> Signals::interrupt(int signal) {
  if (!ends_a_start(signal)) return {};
  interrupted_by_ = signal;
  return fail(Kind::runtime, EINTR, "start", "the container",
              "interrupted by " + signal_name(signal));
}

Result<> Signals::await(int fd) {
  (void)NUCLEUS_TRY(await(fd, std::chrono::milliseconds(-1)));
  return {};
}

Result<bool> Signals::await(int fd, std::chrono::milliseconds patience) {
  for (;;) {
    pollfd fds[2] = {{.fd = fd, .events = POLLIN, .revents = 0},
                     {.fd = fd_.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(patience.count()));
    if (ready < 0) {
      if (errno == EINTR) continue;
      return fail(Kind::runtime, errno, "wait for", "the container");
    }
    while (const auto signal = next()) {
      NUCLEUS_CHECK(interrupt(*signal));
    }
    if (fds[0].revents != 0) return true;
    if (ready == 0) return false;
  }
}

std::string signal_name(int signal) {
  const char* const abbreviation = ::sigabbrev_np(signal);
  return abbreviation != nullptr ? std::string("SIG") + abbreviation
                                 : "signal " + std::to_string(signal);
}

}  // namespace nucleus::container
