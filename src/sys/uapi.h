// Kernel constants and structures that Debian 12's headers do not have yet, each with the kernel
// that brought it. Child-safe: constants only.
#pragma once

#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>

#include <cstdint>

#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452  // NOLINT: the kernel's own name
#endif

namespace nucleus::sys::uapi {

// landlock(7): the header of Debian 12 (Linux 6.1) ends at ABI 2.
inline constexpr std::uint64_t kFsTruncate = 1ULL << 14;        // ABI 3, Linux 6.2
inline constexpr std::uint64_t kFsIoctlDev = 1ULL << 15;        // ABI 5, Linux 6.10
inline constexpr std::uint64_t kNetBindTcp = 1ULL << 0;         // ABI 4, Linux 6.7
inline constexpr std::uint64_t kNetConnectTcp = 1ULL << 1;      // ABI 4
inline constexpr std::uint64_t kScopeAbstractUnix = 1ULL << 0;  // ABI 6, Linux 6.12
inline constexpr std::uint64_t kScopeSignal = 1ULL << 1;        // ABI 6, Linux 6.12

struct LandlockRuleset {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;  // ABI 4, Linux 6.7
  std::uint64_t scoped;              // ABI 6
};

}  // namespace nucleus::sys::uapi
