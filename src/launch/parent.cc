#include "launch/parent.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "isolation/namespaces.h"
#include "launch/child/child.h"
#include "launch/freeze.h"
#include "sys/file.h"
#include "sys/message.h"

namespace nucleus::launch {
namespace {

using child::Message;
using child::MessageKind;

constexpr const char* kPeer = "the container's first process";

Result<> send(int socket, MessageKind kind, const std::vector<sys::UniqueFd>& fds) {
  Message message{};
  message.kind = kind;
  std::vector<int> numbers;
  for (const sys::UniqueFd& fd : fds) numbers.push_back(fd.get());
  return sys::send_message(socket, {reinterpret_cast<const char*>(&message), sizeof message},
                           numbers, kPeer);
}

struct Cloned {
  sys::Child child;
  bool into_cgroup = false;
};

// clone(2) where clone3 is missing: seccomp profiles of older container engines hide it, since a
// filter cannot see its arguments. It takes the same flags but cannot begin in a cgroup. `pidfd`
// comes in the place of the parent's copy of the thread id (Linux 5.2).
long clone_without_cgroup(std::uint64_t flags, int& pidfd) {
  return ::syscall(SYS_clone, flags | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
}

Result<Cloned> clone_child(const LaunchPlan& plan, child::Script& script,
                           const resources::Cgroup& cgroup) {
  const Entrances entrances(NUCLEUS_TRY(cgroup.entrances()), script);
  const int cgroup_fd = cgroup.clone_into_fd();
  int pidfd = -1;
  clone_args args{};
  args.flags = plan.clone_flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(cgroup_fd);
  }
  bool into_cgroup = cgroup_fd >= 0;
  script.wait_for_limits = cgroup.needs_attach(into_cgroup);
  long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0 && errno == ENOSYS) {
    into_cgroup = false;
    script.wait_for_limits = cgroup.needs_attach(into_cgroup);
    pid = clone_without_cgroup(plan.clone_flags | CLONE_PIDFD, pidfd);
  }
  if (pid == 0) child::run_script(script);
  if (pid < 0) return std::unexpected(isolation::explain_clone_failure(errno));
  return Cloned{.child = sys::Child(static_cast<pid_t>(pid), sys::UniqueFd(pidfd)),
                .into_cgroup = into_cgroup};
}

// The source as the container shall see it: a copy of its mounts, its attributes set, its ids
// shifted into the container's. mount_setattr(2), "ID-mapped mounts".
Result<sys::UniqueFd> mount_tree(const TreeSource& source, int user_namespace,
                                 std::vector<std::string>& notes) {
  if (!source.nodes.empty()) return make_device_tree(source.nodes, source.uid, source.gid);
  const auto clone = [&] {
    return sys::UniqueFd(static_cast<int>(
        ::syscall(SYS_open_tree, source.fd, "",
                  AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  };
  sys::UniqueFd tree = clone();
  if (!tree.valid()) {
    return fail(Kind::runtime, errno, "copy the mounts of", source.flag, mount_call_hint(errno));
  }
  mount_attr attributes{};
  attributes.attr_set = source.attributes;
  attributes.propagation = MS_PRIVATE;
  if (user_namespace >= 0 && source.owners != TreeOwners::unmapped) {
    mount_attr mapped = attributes;
    mapped.attr_set |= MOUNT_ATTR_IDMAP;
    mapped.userns_fd = static_cast<__u64>(user_namespace);
    if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &mapped,
                  sizeof mapped) == 0)
      return tree;
    if (errno == ENOSYS) {
      return fail(Kind::runtime, errno, "map the owners of files in", source.flag,
                  mount_call_hint(errno));
    }
    if (source.owners == TreeOwners::mapped) {
      return fail(
          Kind::runtime, errno, "keep the owners of files in", source.flag,
          (errno == EPERM
               ? "it, or a mount below it, is an idmapped mount already: "
               : "its file system, or that of a mount below it, takes no idmapped mounts: ") +
              source.cure);
    }
    notes.push_back("owners of files are not shown as they are in " + source.flag +
                    ": no idmapped mount (" + errno_text(errno) + ")");
    tree = clone();
  }
  if (!tree.valid() || ::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE,
                                 &attributes, sizeof attributes) < 0) {
    return fail(Kind::runtime, errno, "set the mount attributes of", source.flag);
  }
  return tree;
}

Result<std::vector<sys::UniqueFd>> mount_trees(const LaunchPlan& plan, pid_t pid,
                                               const std::vector<TreeSource>& sources,
                                               std::vector<std::string>& notes) {
  std::vector<sys::UniqueFd> trees;
  if (sources.empty()) return trees;
  sys::UniqueFd user_namespace;
  if ((plan.clone_flags & CLONE_NEWUSER) != 0) {
    user_namespace =
        NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/ns/user", O_RDONLY));
  }
  for (const TreeSource& source : sources) {
    trees.push_back(NUCLEUS_TRY(mount_tree(source, user_namespace.get(), notes)));
  }
  return trees;
}

// The child's first steps need its ids and mount trees only. Being moved into a cgroup waits for a
// grace period of the kernel's (RCU, milliseconds), so that it happens beside them; the child goes
// no further than its root before it is told.
Result<> open_gate(const LaunchPlan& plan, const Cloned& cloned, int socket,
                   const resources::Cgroup& cgroup, const std::vector<TreeSource>& trees,
                   const Hooks& hooks, std::vector<std::string>& notes) {
  const pid_t pid = cloned.child.pid();
  NUCLEUS_CHECK(isolation::write_maps(pid, *plan.maps));
  if (hooks.created) NUCLEUS_CHECK(hooks.created(pid));

  NUCLEUS_CHECK(send(socket, MessageKind::go, NUCLEUS_TRY(mount_trees(plan, pid, trees, notes))));
  if (!cgroup.needs_attach(cloned.into_cgroup)) return {};
  NUCLEUS_CHECK(cgroup.attach(pid, cloned.into_cgroup));
  return send(socket, MessageKind::limited, {});
}

std::unexpected<Error> killed_during_setup(const LaunchPlan& plan) {
  return fail(
      Kind::runtime, 0, "start", plan.spec->argv.front(),
      "the container's first process was killed while it was being set up (out of memory?)");
}

// The init is there, or has said how the workload ended.
bool has_begun(const sys::UniqueFd& words) {
  pollfd pipe{.fd = words.get(), .events = POLLIN, .revents = 0};
  if (!words.valid() || ::poll(&pipe, 1, 0) < 0) return false;
  return (pipe.revents & POLLIN) != 0 || (pipe.revents & POLLHUP) == 0;
}

// Until the workload runs: copies the context when asked to, and turns a failure into its sentence.
Result<> accompany(const LaunchPlan& plan, pid_t pid, int socket, const Hooks& hooks,
                   Launched& launched) {
  bool fill_due = plan.root.fills_context;
  for (;;) {
    sys::UniqueFd fd;
    NUCLEUS_CHECK(hooks.await(socket));
    const auto message = NUCLEUS_TRY(receive(socket, &fd));
    if (!message) {
      if (!plan.spec->init) {
        if (plan.read_back) hooks.read_back(pid);
        return {};
      }
      // Another supervisor has let it go, and heard that it has started, before it was killed.
      if (has_begun(launched.words)) return {};
      return killed_during_setup(plan);
    }
    switch (message->kind) {
      case MessageKind::started:
        if (!plan.read_back) return {};
        hooks.read_back(pid);
        // One that has ended already tells how when it is waited for.
        if (auto sent = send(socket, MessageKind::go, {}); !sent && sent.error().errnum != EPIPE)
          return sent;
        return {};
      case MessageKind::failed: return std::unexpected(explain_failure(plan, *message));
      case MessageKind::parked:
        if (!plan.park || launched.parked) break;
        launched.parked = true;
        return {};
      case MessageKind::fill:
        if (!fill_due || !fd.valid()) break;
        fill_due = false;
        NUCLEUS_CHECK(hooks.fill_context(fd.get(), pid));
        NUCLEUS_CHECK(send(socket, MessageKind::filled, {}));
        continue;
      case MessageKind::terminal:
        if (!plan.spec->terminal || launched.terminal.valid() || !fd.valid()) break;
        launched.terminal = std::move(fd);
        continue;
      case MessageKind::notices:
        if (!plan.spec->notifies() || launched.notices.valid() || !fd.valid()) break;
        launched.notices = std::move(fd);
        continue;
      case MessageKind::listener:
        if (!plan.spec->shares_host() || launched.listener.valid() || !fd.valid()) break;
        launched.listener = std::move(fd);
        NUCLEUS_CHECK(send(socket, MessageKind::go, {}));
        // All that is still to come is told by the init's end, as with namespaces.
        if (!launched.started) return {};
        continue;
      default: break;
    }
    return fail(Kind::runtime, EPROTO, "understand", kPeer);
  }
}

}  // namespace

Result<std::optional<Message>> receive(int socket, sys::UniqueFd* fd) {
  Message message{};
  auto received = NUCLEUS_TRY(
      sys::receive_message(socket, {reinterpret_cast<char*>(&message), sizeof message}, 1, kPeer));
  if (!received) return std::optional<Message>();
  if (received->size != sizeof message) return fail(Kind::runtime, EPROTO, "understand", kPeer);
  if (fd != nullptr && !received->fds.empty()) *fd = std::move(received->fds.front());
  return message;
}

Result<std::optional<sys::WaitStatus>> last_word(const LaunchPlan& plan,
                                                 const Launched& container) {
  if (!container.socket.valid()) return std::nullopt;
  bool started = container.started;
  for (;;) {
    const auto message = NUCLEUS_TRY(receive(container.socket.get(), nullptr));
    if (!message) break;
    if (message->kind == MessageKind::failed)
      return std::unexpected(explain_failure(plan, *message));
    if (message->kind == MessageKind::started) started = true;
  }
  Message ended{};
  ssize_t got = 0;
  do {
    got = ::read(container.words.get(), &ended, sizeof ended);
  } while (got < 0 && errno == EINTR);
  // One that was killed has said nothing.
  if (got != sizeof ended) {
    if (!started) return killed_during_setup(plan);
    return std::nullopt;
  }
  if (ended.kind == MessageKind::failed) return std::unexpected(explain_failure(plan, ended));
  return sys::WaitStatus{.code = ended.signal != 0 ? 0 : ended.code, .signal = ended.signal};
}

bool is_being_set_up(const Launched& container) {
  const auto stat =
      sys::read_file_at(AT_FDCWD, "/proc/" + std::to_string(container.init.pid()) + "/stat");
  if (!stat) return false;
  // proc(5): the name may hold spaces and brackets; the flags are the seventh field behind it.
  constexpr unsigned long kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC
  std::size_t at = stat->rfind(')');
  for (int field = 0; field < 7 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return false;
  return (std::strtoul(stat->c_str() + at, nullptr, 10) & kForkedWithoutExec) != 0;
}

namespace {

// When something about the child fails, it may be because the child has: its own words, or its end,
// say more than that nobody was there.
Error better_words(const LaunchPlan& plan, sys::Child& child, int socket, Error error) {
  pollfd words{.fd = socket, .events = POLLIN, .revents = 0};
  while (::poll(&words, 1, 0) > 0) {
    const auto message = receive(socket, nullptr);
    if (!message) return error;
    if (!*message) break;
    if ((*message)->kind == MessageKind::failed) return explain_failure(plan, **message);
  }
  const auto status = child.try_wait();
  if (status && *status) return killed_during_setup(plan).error();
  return error;
}

}  // namespace

Result<> release(const LaunchPlan& plan, Launched& container, const Hooks& hooks) {
  // EPIPE: it has gone already, or is dead. What it has said, or its end, tells which.
  if (auto sent = send(container.socket.get(), MessageKind::go, {});
      !sent && (sent.error().errnum != EPIPE || !plan.spec->init))
    return sent;
  NUCLEUS_CHECK(accompany(plan, container.init.pid(), container.socket.get(), hooks, container));
  container.parked = false;
  if (!plan.spec->init) container.socket.reset();
  return {};
}

Result<Launched> launch(const LaunchPlan& plan, const resources::Cgroup& cgroup,
                        const std::vector<TreeSource>& trees, const Hooks& hooks,
                        std::vector<std::string>& notes) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    return fail(Kind::runtime, errno, "make", "a socket to the container");
  }
  sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  int pipe_ends[2] = {-1, -1};
  if (plan.spec->init && ::pipe2(pipe_ends, O_CLOEXEC) < 0)
    return fail(Kind::runtime, errno, "make", "a pipe from the container");
  sys::UniqueFd words(pipe_ends[0]);
  sys::UniqueFd their_words(pipe_ends[1]);
  // Those that are kept take the low numbers.
  if (plan.spec->preserve_fds != 0) {
    for (sys::UniqueFd* const fd : {&theirs, &their_words})
      if (fd->valid()) *fd = NUCLEUS_TRY(sys::copy_above(fd->get(), child::kFreeFd));
  }
  const auto frozen = NUCLEUS_TRY(freeze(plan, theirs.get()));
  frozen->script.init_words = their_words.get();
  frozen->script.parent_socket = ours.get();
  frozen->script.fills_context = plan.root.fills_context;
  // Destroying it on the way out of a failure kills and reaps it, and with PID 1 all of the
  // container.
  Cloned cloned = NUCLEUS_TRY(clone_child(plan, frozen->script, cgroup));
  theirs.reset();
  their_words.reset();
  if (auto opened = open_gate(plan, cloned, ours.get(), cgroup, trees, hooks, notes); !opened)
    return std::unexpected(better_words(plan, cloned.child, ours.get(), std::move(opened.error())));
  Launched launched;
  launched.started = plan.park || plan.read_back || plan.await_start || plan.root.fills_context ||
                     plan.spec->notifies() || !plan.spec->init || plan.spec->terminal;
  if (launched.started || plan.spec->shares_host()) {
    auto accompanied = accompany(plan, cloned.child.pid(), ours.get(), hooks, launched);
    if (!accompanied && accompanied.error().errnum == EPIPE) {
      return std::unexpected(
          better_words(plan, cloned.child, ours.get(), std::move(accompanied.error())));
    }
    NUCLEUS_CHECK(accompanied);
  }
  launched.init = std::move(cloned.child);
  if (plan.spec->init || launched.parked) launched.socket = std::move(ours);
  launched.words = std::move(words);
  return launched;
}

}  // namespace nucleus::launch
