#include "cli/live/inside.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/json_fields.h"
#include "control/client.h"

namespace nucleus::cli {
namespace {

using json::Json;

constexpr std::uint32_t kKept = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER |
                                1U << CAP_FSETID | 1U << CAP_DAC_READ_SEARCH;

Result<> keep_few_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) < 0)
    return fail(Kind::runtime, errno, "read", "the capabilities of the copying process");
  sets[0].permitted &= kKept;
  sets[1].permitted = 0;
  for (auto& set : sets) set.effective = set.permitted, set.inheritable = 0;
  if (::syscall(SYS_capset, &header, sets) < 0)
    return fail(Kind::runtime, errno, "give up", "the capabilities of the copying process");
  return {};
}

Result<> go_inside(const Inside& inside, pid_t parent) {
  ::prctl(PR_SET_DUMPABLE, 0);
  const int namespaces = CLONE_NEWNS | (inside.user_namespace ? CLONE_NEWUSER : 0);
  if (::setns(inside.pidfd.get(), namespaces) < 0)
    return fail(Kind::runtime, errno, "enter", "the container", "it may just have ended");
  if (inside.user_namespace) {
    // Refused where the namespace has one id only: then there are no groups to be rid of.
    if (::setgroups(0, nullptr) < 0 && errno != EPERM)
      return fail(Kind::runtime, errno, "give up", "the groups of the copying process");
    if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)
      return fail(Kind::runtime, errno, "become", "the container's root");
  }
  if (::chdir("/") < 0) return fail(Kind::runtime, errno, "enter", "the container's root");
  NUCLEUS_CHECK(keep_few_capabilities());
  ::umask(0);
  if (parent == 0) return {};
  // A change of identity forgets it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(125);
  return {};
}

Result<control::Packet> ask(const std::string& directory) {
  const auto socket = NUCLEUS_TRY(control::connect_to(directory));
  NUCLEUS_CHECK(control::send_packet(socket.get(), R"({"op":"reach"})"));
  return control::await_answer(socket.get());
}

}  // namespace

Result<Inside> reach(const store::Store& store, const std::string& id) {
  auto answered = ask(store.directory(id));
  // Also of a supervisor that is just about to end.
  if (!answered && (answered.error().errnum == ESRCH || answered.error().errnum == EPIPE ||
                    answered.error().errnum == ECONNRESET)) {
    return fail(Kind::usage, ESRCH, "reach the files of the container", id,
                "it does not run, and its root is gone with its last run: start it");
  }
  auto answer = NUCLEUS_TRY(std::move(answered));
  const Json object = NUCLEUS_TRY(json::parse(answer.text, "the supervisor's answer"));
  const auto found = object.find("user_namespace");
  if (answer.fds.size() != 1 || found == object.end() || !found->is_boolean())
    return fail(Kind::runtime, EPROTO, "understand", "the supervisor's answer");
  return Inside{.pidfd = std::move(answer.fds.front()), .user_namespace = found->get<bool>()};
}

Result<sys::Child> fork_inside(const Inside& inside, bool with_us,
                               const std::function<int(const Result<>&)>& work) {
  const pid_t parent = ::getpid();
  return sys::fork_child([&] { return work(go_inside(inside, with_us ? parent : 0)); });
}

}  // namespace nucleus::cli
