// The built-in seccomp filter: an allowlist under which ordinary programs just work.
//
// Refusals are errnos (ENOSYS for what is unknown or newer than this list, EPERM for what is known
// and denied), so that programs which probe carry on; only loading kernel code, and calls of a
// foreign architecture, end the process.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

namespace nucleus::security::seccomp {

/// What the workload shares with the host, beside its kernel.
enum class Surface {
  own_namespaces,     // nothing
  host,               // --isolation landlock: files and processes; no sockets
  host_with_network,  // ... and its network
};

/// The finished program, in read-only memory. Valid for the life of the process.
[[nodiscard]] std::span<const sock_filter> builtin_filter(
    Surface surface = Surface::own_namespaces);

/// The built-in policy with these calls allowed, compiled now: some hundred microseconds.
[[nodiscard]] std::vector<sock_filter> filter_with(std::span<const int> allowed);

/// What the program answers for a call: interpreted in user space, for tests and explanations.
/// `args` has six entries.
[[nodiscard]] std::uint32_t evaluate(std::span<const sock_filter> program, std::uint32_t arch,
                                     std::uint32_t number, std::span<const std::uint64_t, 6> args);

}  // namespace nucleus::security::seccomp
