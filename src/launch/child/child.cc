#include "launch/child/child.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>

#include "launch/child/listen_pid.h"
#include "sys/raw.h"
#include "sys/uapi.h"

namespace nucleus::launch::child {
namespace {

namespace raw = sys::raw;

void raise_loopback(const Script& script) {
  const long fd = raw::call(__NR_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check(script, Step::raise_loopback, 0, fd);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(script, Step::raise_loopback, 0,
        raw::call(__NR_ioctl, fd, SIOCSIFFLAGS, raw::address(&request)));
  raw::call(__NR_close, fd);
}

// The offsets can be written only until the first process is inside: clone3(2) would enter at once,
// unshare(2) leaves us outside, and setns(2) takes us in. execve(2) does it by itself from 6.3 on.
void enter_time_namespace(const Script& script) {
  check(script, Step::time_namespace, 0, raw::call(__NR_unshare, CLONE_NEWTIME));
  if (script.clocks_size != 0) {
    const long offsets = raw::call(__NR_openat, AT_FDCWD, raw::address("/proc/self/timens_offsets"),
                                   O_WRONLY | O_CLOEXEC);
    check(script, Step::time_namespace, 1, offsets);
    check(script, Step::time_namespace, 2,
          raw::retried(__NR_write, offsets, raw::address(script.clocks),
                       static_cast<long>(script.clocks_size)));
    raw::call(__NR_close, offsets);
  }
  const long inside = raw::call(
      __NR_openat, AT_FDCWD, raw::address("/proc/self/ns/time_for_children"), O_RDONLY | O_CLOEXEC);
  check(script, Step::time_namespace, 1, inside);
  check(script, Step::time_namespace, 3, raw::call(__NR_setns, inside, CLONE_NEWTIME));
  raw::call(__NR_close, inside);
}

// Where close_range(2) is missing (Linux 5.11 for this flag, and seccomp profiles that are older):
// one after the other, as /proc lists them.
long mark_listed(long above) {
  const long listing = raw::call(__NR_openat, AT_FDCWD, raw::address("/proc/self/fd"),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listing < 0) return listing;
  struct Entry {
    std::uint64_t inode;
    std::int64_t offset;
    std::uint16_t size;
    std::uint8_t type;
    char name[1];
  };
  alignas(Entry) char buffer[4096] = {};
  for (;;) {
    const long got = raw::call(__NR_getdents64, listing, raw::address(buffer), sizeof buffer);
    if (got < 0) return got;
    if (got == 0) break;
    for (long at = 0; at < got;) {
      const auto* const entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->size;
      long fd = 0;
      const char* digit = entry->name;
      while (*digit >= '0' && *digit <= '9') fd = fd * 10 + (*digit++ - '0');
      if (digit == entry->name || fd <= above) continue;
      const long marked = raw::call(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
      if (marked < 0) return marked;
    }
  }
  return raw::call(__NR_close, listing);
}

// The streams stay, and what the next program needs is moved to numbers agreed upon; everything
// else closes at execve.
void close_descriptors(Script& script) {
  long highest = 2;
  if (script.init_image >= 0) {
    const int wanted[] = {script.socket, script.init_words, script.init_config, script.init_image};
    constexpr int kWanted = 4;
    // First out of the way of each other: a source may sit on another's target number.
    int parked[kWanted] = {};
    for (int index = 0; index < kWanted; ++index) {
      const long fd = raw::call(__NR_fcntl, wanted[index], F_DUPFD_CLOEXEC, kFreeFd);
      check(script, Step::close_descriptors, 0, fd);
      parked[index] = static_cast<int>(fd);
    }
    // The number that it had is somebody else's in a moment.
    script.socket = parked[0];
    // From the last on: none of them lands on one that is still to be moved.
    for (int index = static_cast<int>(script.preserved); index-- > 0;) {
      check(script, Step::close_descriptors, 0,
            raw::call(__NR_dup3, kSocketFd + index, kPreservedFd + index, 0));
    }
    for (int index = 0; index < kWanted; ++index) {
      const int to = kSocketFd + index;
      check(script, Step::close_descriptors, 0,
            raw::call(__NR_dup3, parked[index], to, to == kImageFd ? O_CLOEXEC : 0));
    }
    highest = script.preserved == 0 ? kConfigFd : kImageFd + static_cast<int>(script.preserved);
  } else {
    for (; highest < 2 + static_cast<long>(script.preserved); ++highest) {
      check(script, Step::close_descriptors, 0, raw::call(__NR_fcntl, highest + 1, F_SETFD, 0));
    }
  }
  long marked = raw::call(__NR_close_range, highest + 1, 0xFFFFFFFFL, 4 /* CLOSE_RANGE_CLOEXEC */);
  if (marked == -ENOSYS || marked == -EINVAL) marked = mark_listed(highest);
  check(script, Step::close_descriptors, 0, marked);
}

// The init keeps every signal blocked: one that came early is still pending when it begins to
// listen.
void reset_signals(const Script& script) {
  const std::uint64_t mask = script.init_image >= 0 ? ~0ULL : 0;
  // A null handler, no flags: what execve leaves ignored would stay ignored for the workload.
  struct {
    unsigned long handler, flags, restorer, mask;
  } standard = {};
  for (long signal = 1; signal <= 64; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    check(script, Step::signals, static_cast<std::size_t>(signal),
          raw::call(__NR_rt_sigaction, signal, raw::address(&standard), 0, sizeof mask));
  }
  check(script, Step::signals, 0,
        raw::call(__NR_rt_sigprocmask, SIG_SETMASK, raw::address(&mask), 0, sizeof mask));
}

}  // namespace

// The kernel kills this process when the thread that cloned it ends. A change of credentials
// forgets the wish, so it is made twice; who died in between is seen as the other end of the socket
// being closed.
void die_with_parent(const Script& script) {
  check(script, Step::parent_gone, 0, raw::call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL));
  pollfd peer{.fd = script.socket, .events = 0, .revents = 0};
  timespec now{};
  const long ready = raw::retried(__NR_ppoll, raw::address(&peer), 1, raw::address(&now), 0, 0);
  check(script, Step::parent_gone, 1, ready);
  if (ready > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0) raw::call(__NR_exit_group, 125);
}

void enter_cgroups(const Script& script) {
  for (std::size_t index = 0; index < script.entrance_count; ++index) {
    const Entrance& entrance = script.entrances[index];
    const long result = raw::retried(__NR_write, entrance.fd, raw::address("0"), 1);
    if (!entrance.spare) check(script, Step::enter_cgroup, index, result);
  }
}

void become_root_of_namespace(const Script& script) {
  const long gid = script.setup_gid;
  const long uid = script.setup_uid;
  if (script.may_set_groups) check(script, Step::set_groups, 0, raw::call(__NR_setgroups, 0, 0));
  check(script, Step::become_root, 0, raw::call(__NR_setresgid, gid, gid, gid));
  check(script, Step::become_root, 0, raw::call(__NR_setresuid, uid, uid, uid));
}

long send(const Script& script, const Message& message, int fd) {
  iovec part{.iov_base = const_cast<Message*>(&message), .iov_len = sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    auto* item = reinterpret_cast<cmsghdr*>(control);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(item)) = fd;
  }
  return raw::retried(__NR_sendmsg, script.socket, raw::address(&header), MSG_NOSIGNAL);
}

void expect(const Script& script, MessageKind kind, Trees* trees) {
  Message message{};
  iovec part{.iov_base = &message, .iov_len = sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostTrees)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const long got =
      raw::retried(__NR_recvmsg, script.socket, raw::address(&header), MSG_CMSG_CLOEXEC);
  check(script, Step::hear_parent, static_cast<std::size_t>(kind), got);
  // Anything but the message that is due means that the parent gave up: it knows why, and nobody
  // else asks.
  if (got != sizeof message || message.kind != kind) raw::call(__NR_exit_group, 125);
  const auto* item = reinterpret_cast<const cmsghdr*>(control);
  if (trees == nullptr || header.msg_controllen < sizeof(cmsghdr) || item->cmsg_type != SCM_RIGHTS)
    return;
  trees->count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  const int* const fds = reinterpret_cast<const int*>(CMSG_DATA(item));
  for (std::size_t index = 0; index < trees->count; ++index) trees->fds[index] = fds[index];
}

void fail_step(const Script& script, Step step, std::size_t index, long result) {
  Message message{};
  message.kind = MessageKind::failed;
  message.step = step;
  message.index = static_cast<std::uint32_t>(index);
  message.errnum = static_cast<std::int32_t>(-result);
  send(script, message, -1);
  for (;;) raw::call(__NR_exit_group, 125);
}

void run_script(const Script& script) {
  raw::call(__NR_close, script.parent_socket);
  die_with_parent(script);
  enter_cgroups(script);
  Trees trees;
  expect(script, MessageKind::go, &trees);
  // Before the change of identity, after which our files in /proc are root's.
  if (script.clocks != nullptr) enter_time_namespace(script);
  become_root_of_namespace(script);
  die_with_parent(script);
  raw::call(__NR_umask, 0);  // modes are given in full while the root is built
  if (script.host_name != nullptr) {
    check(script, Step::set_host_name, 0,
          raw::call(__NR_sethostname, raw::address(script.host_name),
                    static_cast<long>(script.host_name_size)));
  }
  if (script.raise_loopback) raise_loopback(script);
  if (script.own_root) build_root(script, trees);
  if (script.wait_for_limits && !script.fills_context)
    expect(script, MessageKind::limited, nullptr);
  raw::call(__NR_umask, 022);
  if (script.terminal) open_terminal(script);
  finish_script(script);
}

void finish_script(const Script& given) {
  Script script = given;
  reset_signals(script);
  close_descriptors(script);
  seal(script);

  if (script.init_image >= 0) {
    // The init's own argument and environment say nothing about the workload: it reads its
    // configuration.
    static constexpr const char kName[] = "init";
    const char* const argv[] = {kName, nullptr};
    const char* const envp[] = {nullptr};
    const long result = raw::call(__NR_execveat, kImageFd, raw::address(""), raw::address(argv),
                                  raw::address(envp), AT_EMPTY_PATH);
    fail_step(script, Step::execute_init, 0, result);
  }
  if (script.park) {
    Message parked{};
    parked.kind = MessageKind::parked;
    send(script, parked, -1);
    expect(script, MessageKind::go, nullptr);
  }
  if (script.preserved != 0) write_listen_pid(script.envp);
  long result = -2 /* ENOENT */;
  for (const char* const* path = script.candidates; *path != nullptr; ++path) {
    const long tried = raw::call(__NR_execve, raw::address(*path), raw::address(script.argv),
                                 raw::address(script.envp));
    // execvp(3): a name that is there but may not be executed is remembered, and the search goes
    // on.
    if (tried != -2 && tried != -20) result = tried;
    if (tried != -2 && tried != -20 && tried != -13) break;
  }
  fail_step(script, Step::execute, 0, result);
}

}  // namespace nucleus::launch::child
