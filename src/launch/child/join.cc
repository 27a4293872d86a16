// A further process of a running container: into its namespaces in one step or not at all, then
// sealed as its workload is. setns(2) with a pidfd: Linux 5.8.
//
// The first process stays outside the pid namespace, which is entered by its children only; it
// makes one as a sibling of itself and is gone. Neither can be looked into from inside: no program
// of the container's has been executed, so that their memory belongs to the host's user namespace,
// and they are not dumpable.
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include "launch/child/child.h"
#include "sys/raw.h"

namespace nucleus::launch::child {
namespace {

namespace raw = sys::raw;

// First out of the way of each other: a source may sit on another's target number.
void take_streams(const Script& script) {
  long parked[3] = {};
  for (int stream = 0; stream <= 2; ++stream) {
    parked[stream] = raw::call(__NR_fcntl, script.streams[stream], F_DUPFD_CLOEXEC, 16);
    check(script, Step::streams, 0, parked[stream]);
  }
  for (int stream = 0; stream <= 2; ++stream)
    check(script, Step::streams, 1, raw::call(__NR_dup3, parked[stream], stream, 0));
}

}  // namespace

void run_join(const Script& script) {
  raw::call(__NR_close, script.parent_socket);
  raw::call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  die_with_parent(script);
  enter_cgroups(script);
  expect(script, MessageKind::go, nullptr);  // it is in its v2 cgroup now
  check(script, Step::join, 0, raw::call(__NR_setns, script.join_pidfd, script.join_flags));
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PARENT | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  const long pid = raw::call(__NR_clone3, raw::address(&args), sizeof args);
  check(script, Step::join, 1, pid);
  if (pid != 0) {
    Message joined{};
    joined.kind = MessageKind::joined;
    send(script, joined, pidfd);
    for (;;) raw::call(__NR_exit_group, 0);
  }
  die_with_parent(script);
  expect(script, MessageKind::go, nullptr);  // its pidfd is in our parent's hands
  become_root_of_namespace(script);
  die_with_parent(script);
  raw::call(__NR_umask, 022);
  if (script.terminal) {
    open_terminal(script);
  } else {
    take_streams(script);
  }
  finish_script(script);
}

}  // namespace nucleus::launch::child
