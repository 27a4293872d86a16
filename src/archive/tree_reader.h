// A file, link or directory tree as a tar stream, read without trust in who owns it: no link is
// followed, nothing that is no regular file is opened, and a tree that changes or grows while it is
// read comes to an end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/place.h"
#include "archive/tar.h"
#include "base/error.h"

namespace nucleus::archive {

/// What was left out, and why, for a person to read.
struct Notes {
  std::vector<std::string> lines;  // at most kMost
  std::uint64_t more = 0;
  static constexpr std::size_t kMost = 20;
  void add(std::string line) {
    if (lines.size() < kMost) {
      lines.push_back(std::move(line));
    } else {
      ++more;
    }
  }
};

/// Writes what is at `place` with `name` in front of all paths. Sockets, FIFOs, devices and what
/// the kernel shows as files (/proc, /sys) are left out. Errors: `place` is one of these; more than
/// two million entries; a depth of more than 256; files of more than 64 GiB of nothing.
[[nodiscard]] Result<> write_tree(TarWriter& writer, const Place& place, const std::string& name,
                                  Notes& notes);

}  // namespace nucleus::archive
