// Clearing away what containers have left whose nucleus was killed.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace nucleus::container {

struct Pruned {
  std::size_t cleared = 0;  // records, with the cgroups that they named
  std::size_t left = 0;     // those of running containers, and what could not be cleared
};

/// Looks at every record below `state_root` (the caller's default when there is none). A start does
/// the same for the first few. Errors: the directory of the records cannot be used.
[[nodiscard]] Result<Pruned> prune(const std::optional<std::string>& state_root);

}  // namespace nucleus::container
