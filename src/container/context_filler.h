// Copies the host's context into a container that waits for it, in a helper process: charged to the
// container's cgroup, with the container's ids, and killed with everything else when the user
// interrupts.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "isolation/id_map.h"
#include "resources/cgroup.h"
#include "spec/container_spec.h"

namespace nucleus::container {

struct FillTarget {
  int directory = -1;  // the container's empty tmpfs
  pid_t pid = -1;      // its first process
};

struct FillHooks {
  /// Waits until a descriptor can be read, or so long (negative: for ever); fails when the user
  /// interrupts.
  std::function<Result<bool>(int, std::chrono::milliseconds)> await;
  /// Told what has been done when the copy takes long, and "" at its end. May be empty.
  std::function<void(const std::string&)> progress;
};

/// `notes` names what was left out; `sha256` is of the copy, when it was to be verified.
[[nodiscard]] Result<> fill_context(const spec::ContainerSpec& spec, int source,
                                    const FillTarget& target, const isolation::IdMaps& maps,
                                    const resources::Cgroup& cgroup, const FillHooks& hooks,
                                    std::vector<std::string>& notes, std::string& sha256);

/// The SHA-256 of a context that is shown as it is, with all that is in it.
[[nodiscard]] Result<std::string> context_digest(const spec::Context& context, int source);

}  // namespace nucleus::container
