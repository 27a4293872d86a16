#include "security/seccomp/filter.h"

#include <gtest/gtest.h>

#include <map>

#include "security/seccomp/builtin_policy.h"
#include "security/seccomp/compiler.h"
#include "spec/syscalls.h"

namespace nucleus::security::seccomp {
namespace {

std::uint32_t answer(std::uint32_t number, std::array<std::uint64_t, 6> args = {}) {
  return evaluate(builtin_filter(), kNativeArch, number, args);
}

bool ruled(std::uint32_t number) {
  return std::ranges::any_of(kBuiltinRules,
                             [&](const Rule& rule) { return rule.number == number; });
}

TEST(BuiltinFilter, AnswersEveryNumberAsThePolicySays) {
  std::map<std::uint32_t, std::uint32_t> expected;
  for (const Entry& entry : kBuiltinEntries) {
    EXPECT_TRUE(expected.emplace(entry.number, entry.action).second)
        << "twice in the list: " << entry.number;
  }
  for (std::uint32_t number = 0; number < 1024; ++number) {
    if (ruled(number)) continue;
    const auto entry = expected.find(number);
    EXPECT_EQ(answer(number), entry == expected.end() ? refuse(ENOSYS) : entry->second) << number;
  }
}

TEST(BuiltinFilter, ForeignArchitecturesDie) {
  const std::array<std::uint64_t, 6> args = {};
  EXPECT_EQ(evaluate(builtin_filter(), AUDIT_ARCH_I386, __NR_read, args), kKill);
#if defined(__x86_64__)
  EXPECT_EQ(answer(0x40000000 | __NR_read), refuse(ENOSYS));
#endif
  EXPECT_EQ(answer(0xFFFFFFFF), refuse(ENOSYS));
}

TEST(BuiltinFilter, NewNamespacesAreRefusedWhateverElseIsAsked) {
  EXPECT_EQ(answer(__NR_clone, {SIGCHLD}), kAllow);
  EXPECT_EQ(answer(__NR_clone, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}),
            kAllow);
  for (std::uint64_t flag :
       std::initializer_list<std::uint64_t>{CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET,
                                            CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    EXPECT_EQ(answer(__NR_clone, {flag | SIGCHLD}), refuse(EPERM));
    EXPECT_EQ(answer(__NR_unshare, {flag | CLONE_FS}), refuse(EPERM));
    EXPECT_EQ(answer(__NR_clone, {flag | 0xFF00000000000000ULL}), refuse(EPERM));
  }
  EXPECT_EQ(answer(__NR_unshare, {CLONE_FILES}), kAllow);
  EXPECT_EQ(answer(__NR_clone3), refuse(ENOSYS));
}

TEST(BuiltinFilter, SocketFamilies) {
  const std::uint64_t cloexec = SOCK_CLOEXEC | SOCK_NONBLOCK;
  EXPECT_EQ(answer(__NR_socket, {AF_UNIX, SOCK_SEQPACKET | cloexec}), kAllow);
  EXPECT_EQ(answer(__NR_socket, {AF_INET, SOCK_STREAM | cloexec, 6}), kAllow);
  EXPECT_EQ(answer(__NR_socket, {AF_INET6, SOCK_DGRAM, 17}), kAllow);
  EXPECT_EQ(answer(__NR_socket, {AF_INET, SOCK_RAW | cloexec, 1}), refuse(EPERM));
  EXPECT_EQ(answer(__NR_socket, {AF_NETLINK, SOCK_RAW | cloexec, 0}), kAllow);
  EXPECT_EQ(answer(__NR_socket, {AF_NETLINK, SOCK_RAW, 12 /* NETFILTER */}), refuse(EAFNOSUPPORT));
  for (const std::uint64_t domain : std::initializer_list<std::uint64_t>{
           AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_KEY, AF_XDP, 0, 250}) {
    EXPECT_EQ(answer(__NR_socket, {domain, SOCK_STREAM}), refuse(EAFNOSUPPORT)) << domain;
  }
}

TEST(BuiltinFilter, TerminalInjectionIsRefusedWithAnyUpperHalf) {
  for (const std::uint64_t request :
       std::initializer_list<std::uint64_t>{TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS}) {
    EXPECT_EQ(answer(__NR_ioctl, {0, request}), refuse(EPERM));
    EXPECT_EQ(answer(__NR_ioctl, {0, request | 0x100000000ULL}), refuse(EPERM));
  }
  EXPECT_EQ(answer(__NR_ioctl, {0, TCGETS}), kAllow);
}

TEST(BuiltinFilter, Personality) {
  EXPECT_EQ(answer(__NR_personality, {0xFFFFFFFF}), kAllow);
  EXPECT_EQ(answer(__NR_personality, {0x0040000}), kAllow);
  EXPECT_EQ(answer(__NR_personality, {0x0400000 /* READ_IMPLIES_EXEC */}), refuse(EPERM));
}

TEST(BuiltinFilter, LoadingKernelCodeKills) {
  for (const std::uint32_t number :
       std::initializer_list<std::uint32_t>{__NR_init_module, __NR_finit_module, __NR_kexec_load})
    EXPECT_EQ(answer(number), kKill);
}

TEST(Compiler, LongLeftBranchesJumpUnconditionally) {
  std::vector<Entry> entries;
  for (std::uint32_t number = 0; number < 900; number += 2) entries.push_back({number, kAllow});
  const auto program = Compiler(entries, {}, kKill).compile();
  const std::array<std::uint64_t, 6> args = {};
  for (std::uint32_t number = 0; number < 1000; ++number) {
    EXPECT_EQ(evaluate(program, kNativeArch, number, args),
              number < 900 && number % 2 == 0 ? kAllow : kKill)
        << number;
  }
}

TEST(BuiltinFilter, ACallThatIsAllowedByAFlagIsTheOnlyDifference) {
  for (const spec::OptionalCall& call : spec::optional_calls()) {
    const auto number = static_cast<std::uint32_t>(call.number);
    EXPECT_EQ(answer(number), refuse(EPERM)) << call.name;
    const auto program = filter_with({&call.number, 1});
    ASSERT_LT(program.size(), std::size_t{BPF_MAXINSNS});
    for (std::uint32_t other = 0; other < 512; ++other) {
      const std::array<std::uint64_t, 6> args = {};
      EXPECT_EQ(evaluate(program, kNativeArch, other, args),
                other == number ? kAllow : answer(other))
          << call.name << " and " << other;
    }
  }
}

std::uint32_t on_host(Surface surface, std::uint32_t number,
                      std::array<std::uint64_t, 6> args = {}) {
  return evaluate(builtin_filter(surface), kNativeArch, number, args);
}

TEST(SharedHostFilter, AllowsNothingThatTheBuiltinOneDoesNot) {
  for (const Surface surface : {Surface::host, Surface::host_with_network}) {
    for (std::uint32_t number = 0; number < 1024; ++number) {
      for (std::uint64_t first = 0; first < 64; ++first) {
        const std::array<std::uint64_t, 6> args = {first, 1, 0, 0, 0, 0};
        if (on_host(surface, number, args) != kAllow) continue;
        EXPECT_EQ(answer(number, args), kAllow) << number << " " << first;
      }
    }
  }
}

TEST(SharedHostFilter, AsksForModesAndTimes) {
  for (const std::uint32_t number : {std::uint32_t{__NR_fchmod}, std::uint32_t{__NR_fchmodat}, 452U,
                                     std::uint32_t{__NR_utimensat}}) {
    EXPECT_EQ(on_host(Surface::host, number), kAsk) << number;
  }
  EXPECT_EQ(on_host(Surface::host, __NR_fchownat), refuse(EPERM));
  EXPECT_EQ(on_host(Surface::host, __NR_setxattr), refuse(ENOTSUP));
  EXPECT_EQ(on_host(Surface::host, __NR_shmget), refuse(ENOSYS));
}

TEST(SharedHostFilter, SocketsOnlyWithTheNetworkAndNeverUnixOnes) {
  for (std::uint64_t family = 0; family < 64; ++family) {
    const std::array<std::uint64_t, 6> args = {family, SOCK_STREAM, 0, 0, 0, 0};
    EXPECT_NE(on_host(Surface::host, __NR_socket, args), kAllow) << family;
    const bool internet = family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
    EXPECT_EQ(on_host(Surface::host_with_network, __NR_socket, args) == kAllow, internet) << family;
  }
  EXPECT_EQ(on_host(Surface::host, __NR_socketpair, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC}), kAllow);
  EXPECT_EQ(on_host(Surface::host, __NR_socketpair, {AF_UNIX, SOCK_DGRAM}), refuse(EPERM));
}

TEST(SharedHostFilter, NothingIsSetForAnother) {
  for (const int call : {__NR_prlimit64, __NR_sched_setaffinity, __NR_sched_setattr,
                         __NR_sched_setscheduler, __NR_sched_setparam}) {
    const auto number = static_cast<std::uint32_t>(call);
    EXPECT_EQ(on_host(Surface::host, number, {0}), kAllow) << number;
    EXPECT_EQ(on_host(Surface::host, number, {4711}), refuse(EPERM)) << number;
  }
  EXPECT_EQ(on_host(Surface::host, __NR_setpriority, {0, 0, 5}), kAllow);
  EXPECT_EQ(on_host(Surface::host, __NR_setpriority, {0, 4711, 5}), refuse(EPERM));
  EXPECT_EQ(on_host(Surface::host, __NR_setpriority, {2, 0, 5}), refuse(EPERM));
}

}  // namespace
}  // namespace nucleus::security::seccomp
