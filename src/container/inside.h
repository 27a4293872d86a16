// Files of a container that runs, seen from outside.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/error.h"

namespace nucleus::container {

/// A file of the root of process `pid`, reached so that no link leads out of there; empty when
/// there is none. `file` is relative to that root. Errors: it is no regular file, or too large.
[[nodiscard]] Result<std::string> read_inside(pid_t pid, const char* file);

}  // namespace nucleus::container
