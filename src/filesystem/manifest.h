// What a directory tree holds, so exactly that a copy can be told from its original.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "filesystem/name_filter.h"

namespace nucleus::filesystem {

/// Path below the top, and the SHA-256 of type, mode, size and content (of a link: its text).
/// Owners and times are not part of it, nor are set-id bits of files, which a copy drops.
using ManifestEntry = std::pair<std::string, std::string>;

struct Manifest {
  std::vector<ManifestEntry> entries;  // by path

  /// One SHA-256 over all of it, 64 hexadecimal digits.
  [[nodiscard]] std::string digest() const;
};

/// The digest of a whole root file system: everything in it, with owners and set-id bits, and its
/// top. Errors: what cannot be read.
[[nodiscard]] Result<std::string> rootfs_digest(int directory);

/// Reads all of the tree below `directory` that `filter` lets through, following no link.
/// `specials`: sockets, FIFOs and devices too, by their names and modes. Errors: what cannot be
/// read.
[[nodiscard]] Result<Manifest> read_manifest(int directory, const NameFilter& filter,
                                             bool specials);

/// The first path at which two trees differ, with what is wrong: "missing", "new" or "changed";
/// empty when there is none.
[[nodiscard]] std::string first_difference(const Manifest& original, const Manifest& copy);

}  // namespace nucleus::filesystem
