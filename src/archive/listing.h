// What a directory tree holds, without the file systems that are mounted in it: enough to tell a
// tree from what it was made of.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/error.h"

namespace nucleus::archive {

struct Listed {
  std::uint32_t mode = 0;    // st_mode
  std::int64_t changed = 0;  // st_ctime in nanoseconds: of its owner, mode, contents
  bool mount = false;        // something is mounted there, and not listed
  friend bool operator==(const Listed&, const Listed&) = default;
};

/// By path, relative to the tree; '/' sorts before all, so that what is in a directory follows it.
struct PathOrder {
  bool operator()(const std::string& a, const std::string& b) const;
};
using Listing = std::map<std::string, Listed, PathOrder>;

/// No link is followed. What vanishes meanwhile is passed over. Errors: more than two million
/// entries, a depth of more than 256. Kernel 5.8 (STATX_ATTR_MOUNT_ROOT).
[[nodiscard]] Result<Listing> list_tree(int directory);

/// As bytes, for another process, and back.
[[nodiscard]] std::string to_bytes(const Listing& listing);
[[nodiscard]] Result<Listing> listing_from(const std::string& bytes);

/// "A /path", "C /path", "D /path", each with a newline: what `now`, an overlay(5) over `before`,
/// has of its own. Only an inode that was copied up has another time of change. A directory is
/// changed when something in it is, or its mode.
[[nodiscard]] std::string differences(const Listing& before, const Listing& now);

}  // namespace nucleus::archive
