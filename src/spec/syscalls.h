// The system calls that the built-in policy refuses, and which of them a flag can allow.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nucleus::spec {

/// One that --seccomp-allow takes: refused because few programs need it and many holes began there,
/// not because it alone would be a way out.
struct OptionalCall {
  std::string_view name;
  int number;
};
[[nodiscard]] std::span<const OptionalCall> optional_calls();

/// The number of one that can be allowed.
[[nodiscard]] std::optional<int> optional_call(std::string_view name);

/// Why this one cannot be allowed, as a sentence.
[[nodiscard]] std::string why_not_allowed(std::string_view name);

}  // namespace nucleus::spec
