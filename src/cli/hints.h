// What to say of a flag that nucleus run does not have. Pure.
#pragma once

#include <string>
#include <vector>

namespace nucleus::cli {

/// What to use instead of a flag of Docker's or Podman's, or the nearest of `known`; empty when
/// there is neither. `flag` may carry a value: "--publish=80:80".
[[nodiscard]] std::string hint_for(const std::string& flag, const std::vector<std::string>& known);

}  // namespace nucleus::cli
