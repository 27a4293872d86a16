// `nucleus run --detach` and `nucleus create`: the front end's part.
#pragma once

#include <optional>
#include <string>

#include "spec/container_spec.h"
#include "supervisor/spawn.h"

namespace nucleus::cli {

/// Starts a supervisor, prints the container's id; the exit code.
int detach(const spec::ContainerSpec& spec, const std::string& id,
           const std::optional<std::string>& state_root, supervisor::Wish wish);

}  // namespace nucleus::cli
