// What of a checkpoint's directory is covered by its seal, and how.
//
// HMAC-SHA-256 over the tree, depth first, the names of each directory sorted as unsigned bytes:
//
//   directory       'D' 00 path 00, then what is in it
//   regular file    'F' 00 path 00 size as 8 bytes little-endian, content
//
// with the path below the directory, parts joined by '/'. `checkpoint.hmac` in the directory itself
// is left out. Modes and owners are not covered but held to a rule: everything belongs to the
// caller (root), nobody else may write to any of it, and nobody else may enter the directory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {

inline constexpr const char* kSealName = "checkpoint.hmac";

struct Tree {
  std::string digest;  // 64 hexadecimal digits
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // in them
};

/// Told how much of how much has been read, some times a second at most.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Opens a checkpoint's directory. Errors: it is a symbolic link or no directory (Kind::usage), it
/// belongs to somebody else, others may enter it.
[[nodiscard]] Result<sys::UniqueFd> open_checkpoint(const std::string& path);

/// Walks the opened directory by descriptors, never by a path: what is swapped meanwhile is an
/// error. Errors name what is wrong by its path: a symbolic link, a special file, a name that is no
/// UTF-8, another owner, a mode that lets others write, a file that changes while it is read.
[[nodiscard]] Result<Tree> digest_of(int directory, const std::string& path, std::string_view key,
                                     const Progress& progress = {});

}  // namespace nucleus::checkpoint
