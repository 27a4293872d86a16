#include "sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "sys/file.h"

namespace nucleus::sys {

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      running_(std::exchange(other.running_, false)),
      ours_(other.ours_),
      pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    destroy();
    pid_ = std::exchange(other.pid_, -1);
    running_ = std::exchange(other.running_, false);
    ours_ = other.ours_;
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

void Child::destroy() {
  if (!running()) return;
  (void)send_signal(SIGKILL);  // a destructor has nobody to tell
  (void)wait();
}

Result<> Child::send_signal(int signal) const {
  long sent = -1;
  errno = ENOSYS;
  if (pidfd_.valid()) sent = ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
  if (sent < 0 && errno == ENOSYS && running_) sent = ::kill(pid_, signal);
  if (sent < 0 && errno != ESRCH) {
    return fail(Kind::runtime, errno, "send a signal to process", std::to_string(pid_));
  }
  return {};
}

Result<std::optional<WaitStatus>> Child::await_end(bool wait) {
  pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  int found = -1;
  while ((found = ::poll(&end, 1, wait ? -1 : 0)) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "wait for process", std::to_string(pid_));
  }
  if (found == 0) return std::optional<WaitStatus>();
  running_ = false;
  return WaitStatus{.signal = SIGKILL};
}

Result<std::optional<WaitStatus>> Child::reap(int options) {
  if (!ours_) return await_end((options & WNOHANG) == 0);
  auto status = collect(options);
  if (status && *status) pidfd_.reset();
  return status;
}

Result<std::optional<WaitStatus>> Child::collect(int options) {
  siginfo_t info{};
  const idtype_t kind = pidfd_.valid() ? P_PIDFD : P_PID;
  const auto which = static_cast<id_t>(pidfd_.valid() ? pidfd_.get() : pid_);
  while (::waitid(kind, which, &info, WEXITED | __WALL | options) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "wait for process", std::to_string(pid_));
  }
  if (info.si_pid == 0) return std::optional<WaitStatus>();
  running_ = false;
  if (info.si_code == CLD_EXITED) return WaitStatus{.code = info.si_status};
  return WaitStatus{.signal = info.si_status, .core = info.si_code == CLD_DUMPED};
}

Result<std::optional<WaitStatus>> Child::collect() {
  auto status = collect(WNOHANG);
  if (status && *status) ours_ = false;
  return status;
}

Result<WaitStatus> Child::wait() {
  const auto status = NUCLEUS_TRY(reap(0));
  return *status;
}

Result<std::optional<WaitStatus>> Child::try_wait() { return reap(WNOHANG); }

std::optional<std::uint64_t> start_ticks(pid_t pid) {
  const auto stat = read_file_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  // The name may hold spaces and brackets; this is the 22nd field, and the state behind it the 3rd.
  std::size_t at = stat->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  std::uint64_t ticks = 0;
  const char* const end = stat->data() + stat->size();
  if (std::from_chars(stat->data() + at + 1, end, ticks).ec != std::errc()) return std::nullopt;
  return ticks;
}

std::string process_limit_hint(int errnum) {
  return errnum == EAGAIN ? "the caller's limit of processes is reached (ulimit -u, or the pids "
                            "limit of its cgroup)"
                          : "";
}

Result<Child> fork_with_pidfd(bool& in_child) {
  // fork() and not clone3: the helper may start threads, and glibc keeps what it needs for that in
  // order only here.
  const pid_t pid = ::fork();
  if (pid < 0)
    return fail(Kind::runtime, errno, "fork", "a helper process", process_limit_hint(errno));
  in_child = pid == 0;
  if (in_child) return Child();
  // No race: the number cannot be another's before we have reaped it.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid() && errno != ENOSYS) {
    const int reason = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(Kind::runtime, reason, "open a pidfd for", "a helper process");
  }
  return Child(pid, std::move(pidfd));
}

}  // namespace nucleus::sys
