// How strongly a container is held, from the most to the least: what `--isolation` asks for, what
// `nucleus doctor` finds possible, and what an outcome records. docs/isolation.md says what each
// one protects.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nucleus::spec {

enum class IsolationLevel : std::uint8_t {
  full,                // root's: a range of ids of its own, its own root, cgroups, all layers
  rootless,            // the same with subordinate ids, and limits where a cgroup was delegated
  rootless_single_id,  // a user namespace in which the caller is the only id
  landlock,            // no namespace: Landlock, seccomp, rlimits, no_new_privs
  none,
};

/// "full", "rootless", "rootless-single-id", "landlock", "none".
[[nodiscard]] constexpr const char* level_name(IsolationLevel level) {
  switch (level) {
    case IsolationLevel::full: return "full";
    case IsolationLevel::rootless: return "rootless";
    case IsolationLevel::rootless_single_id: return "rootless-single-id";
    case IsolationLevel::landlock: return "landlock";
    case IsolationLevel::none: break;
  }
  return "none";
}

}  // namespace nucleus::spec
