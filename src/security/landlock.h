// Which Landlock rights exist in which ABI, and which a container's places get: landlock(7).
//
// Network rights are left alone where there is a network namespace: it decides what can be reached,
// and programs in the container talk to each other over loopback. Child-safe: arithmetic only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sys/uapi.h"

namespace nucleus::security::landlock {

inline constexpr std::uint64_t kReadRights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
inline constexpr std::uint64_t kDeviceNodes =
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

/// Every file right that ABI `abi` (1 and up) knows.
constexpr std::uint64_t rights(int abi) {
  std::uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // ABI 1: the bits up to MAKE_SYM
  if (abi >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) all |= sys::uapi::kFsTruncate;
  if (abi >= 5) all |= sys::uapi::kFsIoctlDev;
  return all;
}

/// What a rule on a place that is not a directory may carry: the kernel refuses the others there.
constexpr std::uint64_t file_rights(int abi) {
  return rights(abi) &
         (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
          LANDLOCK_ACCESS_FS_WRITE_FILE | sys::uapi::kFsTruncate | sys::uapi::kFsIoctlDev);
}

/// Scopes of the ABI: abstract Unix sockets and signals end at the domain's border.
constexpr std::uint64_t scopes(int abi) {
  return abi >= 6 ? sys::uapi::kScopeAbstractUnix | sys::uapi::kScopeSignal : 0;
}

/// TCP, by name: what a workload without a network namespace is refused.
constexpr std::uint64_t network_rights(int abi) {
  return abi >= 4 ? sys::uapi::kNetBindTcp | sys::uapi::kNetConnectTcp : 0;
}

/// How much of LandlockRuleset a kernel of this ABI takes; more is E2BIG.
constexpr std::size_t ruleset_size(int abi) {
  if (abi >= 6) return 24;
  return abi >= 4 ? 16 : 8;
}

}  // namespace nucleus::security::landlock
