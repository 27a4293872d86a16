// Copies a directory tree, both ends given as directory descriptors, for a helper process that may
// not trust the source.
//
// No symbolic link is followed, no path is resolved twice, sockets, fifos and devices are not
// copied, and set-id bits of files are dropped. What vanishes from the source during the copy is
// skipped. Files belong to the fsuid and fsgid of the calling thread; its umask(2), which belongs
// to the process, is zero during the copy. See openat2(2), copy_file_range(2), setfsuid(2).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "filesystem/name_filter.h"

namespace nucleus::filesystem {

/// Zero means no limit, except for the depth.
struct CopyLimits {
  std::uint64_t max_bytes = 0;  // of file data; the holes of a sparse file do not count
  std::uint64_t max_files = 0;  // files, directories and symbolic links, as each takes an inode
  unsigned max_depth = 256;     // an entry of the source directory itself has depth 1
  std::string cure = "raise the limit";  // for the error of a tree that is larger
};

/// Counted while the copy runs; may lie in memory that another process shares.
struct CopyProgress {
  std::atomic<std::uint64_t> entries{0};  // files, directories and symbolic links
  std::atomic<std::uint64_t> bytes{0};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Paths are relative to the source directory.
struct CopyReport {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;  // without the target directory itself
  std::uint64_t symlinks = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> left_out = {};  // at most 20; a directory stands for all it holds
  std::uint64_t left_out_total = 0;
  std::vector<std::string> refused_specials = {};  // at most 20: sockets, fifos, devices
  std::uint64_t refused_total = 0;
};

/// Copies what `source_directory` holds into `target_directory`, where none of it may exist yet.
/// Mode and times of the target directory itself stay the caller's business. After an error a part
/// of the tree is left in the target.
/// A file that grows meanwhile is copied as far as it was long at first, or a little more.
[[nodiscard]] Result<CopyReport> copy_tree(int source_directory, int target_directory,
                                           const NameFilter& filter, const CopyLimits& limits,
                                           CopyProgress* progress = nullptr);

struct LeftOut {
  std::string path;
  bool directory;
};

/// What a copy with `filter` would leave out, sorted by path; the search ends at `max` entries.
[[nodiscard]] Result<std::vector<LeftOut>> find_left_out(int source_directory,
                                                         const NameFilter& filter, std::size_t max);

}  // namespace nucleus::filesystem
