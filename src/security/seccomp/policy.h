// A seccomp policy as data: system call numbers, what becomes of each, and rules about arguments.
//
// Source: seccomp(2). The compiler (compiler.h) turns it into a BPF program at compile time, so
// that a start pays nothing.
#pragma once

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cstdint>

namespace nucleus::security::seccomp {

inline constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
inline constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
inline constexpr std::uint32_t kAsk = SECCOMP_RET_USER_NOTIF;  // Linux 5.0: the supervisor answers
constexpr std::uint32_t refuse(int errnum) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(errnum);
}

#if defined(__x86_64__)
inline constexpr std::uint32_t kNativeArch = AUDIT_ARCH_X86_64;
inline constexpr std::uint32_t kFirstForeignNumber = 0x40000000;  // x32 calls carry this bit
#else
inline constexpr std::uint32_t kNativeArch = AUDIT_ARCH_AARCH64;
inline constexpr std::uint32_t kFirstForeignNumber = 0xFFFFFFFF;
#endif

/// The low 32 bits of argument `arg`, and-ed with `mask`, equal `value`. What is compared is always
/// an int or an unsigned int for the kernel, which ignores the upper half: a rule on all 64 bits
/// could be slipped past.
struct Condition {
  std::uint8_t arg = 0;
  std::uint32_t mask = 0xFFFFFFFF;
  std::uint32_t value = 0;
};

/// When both conditions hold, `action` is the answer. Rules of one call are tried in order.
struct Rule {
  std::uint32_t number = 0;
  std::uint32_t action = kAllow;
  Condition first;
  Condition second{.arg = 0, .mask = 0, .value = 0};  // always holds
};

/// What becomes of a call when no rule of its own matches.
struct Entry {
  std::uint32_t number = 0;
  std::uint32_t action = kAllow;
};

}  // namespace nucleus::security::seccomp
