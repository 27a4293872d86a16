// Names that people use for the kernel's numbers: setrlimit(2), capabilities(7).
#pragma once

#include <optional>
#include <string>

namespace nucleus::spec {

/// "nofile" for RLIMIT_NOFILE, as --ulimit spells it; the number as text when it has no name.
[[nodiscard]] std::string ulimit_name(int resource);

/// The RLIMIT_* of a name.
[[nodiscard]] std::optional<int> ulimit_resource(const std::string& name);

/// "CHOWN" for CAP_CHOWN; the number as text when no container can keep it.
[[nodiscard]] std::string capability_name(int capability);

}  // namespace nucleus::spec
