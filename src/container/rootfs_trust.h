// Whether a root file system can be changed by nobody but root (and the caller).
#pragma once

#include <string>

#include "base/error.h"

namespace nucleus::container {

/// Why the tree at `path` (open as `fd`) is not to be trusted; empty: it is.
///
/// Each directory above it belongs to root or the caller and is not writable by others (sticky
/// ones, as /tmp, are). Then either one of them, or its top, lets nobody else in, or each entry of
/// the tree belongs to root or the caller and is not writable by others (sticky directories are).
/// `attested`: what is in the tree is known by its digest, so that only the way to it is looked at.
/// Errors: something cannot be read; more than two million entries.
[[nodiscard]] Result<std::string> distrust_of_rootfs(int fd, const std::string& path,
                                                     bool attested);

}  // namespace nucleus::container
