// Files of environment variables, as `docker run --env-file` reads them. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace nucleus::spec {

/// A line is NAME=VALUE or NAME (the caller's value); blank lines and those that begin with '#' are
/// passed over; nothing is unquoted. Errors: a line without a name, a NUL; with file and line.
[[nodiscard]] Result<std::vector<std::string>> parse_env_file(const std::string& path,
                                                              const std::string& text);

}  // namespace nucleus::spec
