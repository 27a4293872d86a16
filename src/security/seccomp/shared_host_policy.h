// The policy of a workload without namespaces of its own (--isolation landlock): the built-in one,
// less everything that reaches what is the host's and that Landlock does not hold.
//
// Landlock knows files by opening, making, moving and removing them. It does not know: changes of
// mode, owner, times and extended attributes by path, watches, System V IPC, message queues, Unix
// sockets with a path, and what is asked about another process by its number. Source: landlock(7),
// "Current limitations".
#pragma once

#include <linux/ioprio.h>
#include <sys/resource.h>

#include <array>
#include <vector>

#include "security/seccomp/builtin_policy.h"

namespace nucleus::security::seccomp {

#define NOT_PERMITTED(name) \
  Entry { __NR_##name, refuse(EPERM) }
#define NOT_SUPPORTED(name) \
  Entry { __NR_##name, refuse(ENOTSUP) }
#define NOT_THERE(name) \
  Entry { __NR_##name, refuse(ENOSYS) }
#define ASKED(name) \
  Entry { __NR_##name, kAsk }

inline constexpr Entry kSharedHostEntries[] = {
    // The supervisor does these, where the object lies in a place that may be written.
    ASKED(fchmod),
    ASKED(fchmodat),
    Entry{452 /* fchmodat2 */, kAsk},
    ASKED(utimensat),
    // To somebody else's or to another group: never needed by an ordinary program.
    NOT_PERMITTED(fchown),
    NOT_PERMITTED(fchownat),
    NOT_SUPPORTED(getxattr),
    NOT_SUPPORTED(lgetxattr),
    NOT_SUPPORTED(listxattr),
    NOT_SUPPORTED(llistxattr),
    NOT_SUPPORTED(setxattr),
    NOT_SUPPORTED(lsetxattr),
    NOT_SUPPORTED(fsetxattr),
    NOT_SUPPORTED(removexattr),
    NOT_SUPPORTED(lremovexattr),
    NOT_SUPPORTED(fremovexattr),
    // Watches tell what others do with files that may not be read.
    NOT_PERMITTED(inotify_add_watch),
    // The host's IPC namespace.
    NOT_THERE(shmget),
    NOT_THERE(shmat),
    NOT_THERE(shmdt),
    NOT_THERE(shmctl),
    NOT_THERE(semget),
    NOT_THERE(semop),
    NOT_THERE(semctl),
    NOT_THERE(semtimedop),
    NOT_THERE(msgget),
    NOT_THERE(msgsnd),
    NOT_THERE(msgrcv),
    NOT_THERE(msgctl),
    NOT_THERE(mq_open),
    NOT_THERE(mq_unlink),
    NOT_THERE(mq_timedsend),
    NOT_THERE(mq_timedreceive),
    NOT_THERE(mq_notify),
    NOT_THERE(mq_getsetattr),
    // For oneself (0) only: see the rules. Landlock does not ask for whom.
    NOT_PERMITTED(prlimit64),
    NOT_PERMITTED(setpriority),
    NOT_PERMITTED(ioprio_set),
    NOT_PERMITTED(sched_setaffinity),
    NOT_PERMITTED(sched_setparam),
    NOT_PERMITTED(sched_setscheduler),
    NOT_PERMITTED(sched_setattr),
    NOT_PERMITTED(socketpair),
#if defined(__x86_64__)
    ASKED(chmod),
    ASKED(utime),
    ASKED(utimes),
    ASKED(futimesat),
    NOT_PERMITTED(chown),
    NOT_PERMITTED(lchown),
#endif
};

#undef NOT_PERMITTED
#undef NOT_SUPPORTED
#undef NOT_THERE
#undef ASKED

constexpr Rule for_oneself(std::uint32_t number, std::uint8_t arg) {
  return {.number = number, .action = kAllow, .first = {.arg = arg, .value = 0}};
}

constexpr Rule for_oneself_as(std::uint32_t number, std::uint32_t which) {
  return {.number = number,
          .action = kAllow,
          .first = {.arg = 0, .value = which},
          .second = {.arg = 1, .value = 0}};
}

constexpr Rule stream_pair(std::uint32_t type) {
  return {.number = __NR_socketpair,
          .action = kAllow,
          .first = {.arg = 0, .value = AF_UNIX},
          .second = {.arg = 1, .mask = 0xF, .value = type}};
}

inline constexpr Rule kSharedHostRules[] = {
    for_oneself(__NR_prlimit64, 0),
    for_oneself_as(__NR_setpriority, PRIO_PROCESS),
    for_oneself_as(__NR_ioprio_set, IOPRIO_WHO_PROCESS),
    for_oneself(__NR_sched_setaffinity, 0),
    for_oneself(__NR_sched_setparam, 0),
    for_oneself(__NR_sched_setscheduler, 0),
    for_oneself(__NR_sched_setattr, 0),
    // A pair of datagram sockets could be sent from to any socket with a path.
    stream_pair(SOCK_STREAM),
    stream_pair(SOCK_SEQPACKET),
};

/// The built-in entries with those above in their place.
constexpr std::vector<Entry> shared_host_entries() {
  std::vector<Entry> entries(std::begin(kBuiltinEntries), std::end(kBuiltinEntries));
  for (Entry& entry : entries) {
    for (const Entry& other : kSharedHostEntries) {
      if (other.number == entry.number) entry.action = other.action;
    }
  }
  return entries;
}

/// The built-in rules without Unix sockets; without `network` with no sockets at all.
constexpr std::vector<Rule> shared_host_rules(bool network) {
  std::vector<Rule> rules(std::begin(kSharedHostRules), std::end(kSharedHostRules));
  for (const Rule& rule : kBuiltinRules) {
    const bool opens = rule.number == __NR_socket && rule.action == kAllow;
    if (opens && (!network || rule.first.value == AF_UNIX)) continue;
    rules.push_back(rule);
  }
  return rules;
}

}  // namespace nucleus::security::seccomp
