// Quantities that users type, each a type of its own, parsed once and checked there.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace nucleus {

struct ByteSize {
  std::uint64_t bytes = 0;

  /// "512M": a decimal number and an optional suffix B K M G T (powers of 1024; "KiB", "mb" and the
  /// like are taken as Docker takes them). No sign, no fraction, no overflow of 2^63-1. `flag`
  /// names the source in the error.
  static Result<ByteSize> parse(std::string_view flag, std::string_view text);

  /// "64 MiB", "1536 KiB", "17 bytes": the largest unit that divides the size, for messages.
  [[nodiscard]] std::string text() const;

  friend bool operator==(ByteSize, ByteSize) = default;
};

/// CPU time a period: cgroup's `cpu.max`. The period is 100 ms, as the kernel's default is.
struct CpuQuota {
  static constexpr std::uint64_t kPeriodUsec = 100'000;
  std::uint64_t quota_usec = kPeriodUsec;

  /// "1.5" = one and a half processors. At least 0.01 (the kernel takes no quota below 1 ms), at
  /// most 8192.
  static Result<CpuQuota> parse(std::string_view flag, std::string_view text);

  friend bool operator==(CpuQuota, CpuQuota) = default;
};

/// "90", "1.5", "250ms", "10s", "5m", "1h": a plain number is seconds. Greater than 0, at most 365
/// days.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view flag,
                                                               std::string_view text);

/// A decimal number in [lowest, highest], digits only.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view flag, std::string_view text,
                                                 std::uint64_t lowest, std::uint64_t highest);

}  // namespace nucleus
