#include "launch/join.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "launch/child/child.h"
#include "launch/freeze.h"
#include "launch/parent.h"
#include "sys/file.h"
#include "sys/uapi.h"

namespace nucleus::launch {
namespace {

using child::Message;
using child::MessageKind;

Result<> send_go(int socket) {
  Message message{};
  message.kind = MessageKind::go;
  while (::send(socket, &message, sizeof message, MSG_NOSIGNAL) < 0) {
    // Dead already: it has said why, which is heard next.
    if (errno == EPIPE || errno == ECONNRESET) return {};
    if (errno != EINTR) return fail(Kind::runtime, errno, "talk to", "the new process");
  }
  return {};
}

Result<sys::Child> clone_joiner(const child::Script& script, int cgroup_fd) {
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(cgroup_fd);
  }
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) child::run_join(script);
  if (pid < 0) return fail(Kind::runtime, errno, "make", "a process for the container");
  return sys::Child(static_cast<pid_t>(pid), sys::UniqueFd(pidfd));
}

// What our own pid namespace calls it: proc(5), fdinfo of a pidfd.
Result<pid_t> pid_of(int pidfd) {
  const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
  const std::string text = NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, path));
  const std::size_t at = text.find("\nPid:\t");
  pid_t pid = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at + 6, text.data() + text.size(), pid).ec != std::errc() ||
      pid <= 0)
    return fail(Kind::runtime, ESRCH, "find the number of", "the new process");
  return pid;
}

}  // namespace

Result<Joined> join(const LaunchPlan& plan, const JoinRequest& request) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return fail(Kind::runtime, errno, "make", "a socket to the new process");
  sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  const auto frozen = NUCLEUS_TRY(freeze(plan, theirs.get()));
  child::Script& script = frozen->script;
  script.parent_socket = ours.get();
  script.join_pidfd = request.pidfd;
  script.join_flags = static_cast<long>(plan.clone_flags);
  if (script.clocks != nullptr) script.join_flags |= CLONE_NEWTIME;
  // Whom it may signal is bounded by the pid namespace; its Landlock domain is another than the
  // workload's, which the scope would keep it from.
  script.landlock_scopes &= ~static_cast<std::uint64_t>(sys::uapi::kScopeSignal);
  for (std::size_t stream = 0; stream < 3; ++stream)
    script.streams[stream] = request.streams.at(stream);
  const Entrances entrances(NUCLEUS_TRY(request.cgroup->entrances(request.leaf)), script);
  const int into =
      request.leaf->v2_fd() >= 0 ? request.leaf->v2_fd() : request.cgroup->clone_into_fd();
  sys::Child joiner = NUCLEUS_TRY(clone_joiner(script, into));
  theirs.reset();
  NUCLEUS_CHECK(request.cgroup->attach(joiner.pid(), into >= 0, request.leaf));
  NUCLEUS_CHECK(send_go(ours.get()));
  Joined joined;
  for (;;) {
    sys::UniqueFd fd;
    const auto message = NUCLEUS_TRY(receive(ours.get(), &fd));
    if (!message) {
      // The end of the conversation is the execve; without a process it never came to that.
      if (joined.process.running()) break;
      return fail(Kind::runtime, 0, "join", "the container",
                  "the new process was killed on its way (has the container just ended?)");
    }
    if (message->kind == MessageKind::failed)
      return std::unexpected(explain_failure(plan, *message));
    if (message->kind == MessageKind::joined && fd.valid()) {
      const pid_t pid = NUCLEUS_TRY(pid_of(fd.get()));
      joined.process = sys::Child(pid, std::move(fd));
      (void)joiner.wait();
      NUCLEUS_CHECK(send_go(ours.get()));
    } else if (message->kind == MessageKind::terminal && fd.valid()) {
      joined.terminal = std::move(fd);
    }
  }
  return joined;
}

}  // namespace nucleus::launch
