// The digest of a root file system.
#pragma once

#include <string>

#include "base/error.h"

namespace nucleus::container {

/// Of the tree at `path`, a directory and no link: 64 digits. Errors: what cannot be read.
[[nodiscard]] Result<std::string> attest(const std::string& path);

/// That the tree that is open as `rootfs` has this digest.
[[nodiscard]] Result<> check_attestation(int rootfs, const std::string& path,
                                         const std::string& digest);

}  // namespace nucleus::container
