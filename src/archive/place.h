// A path, looked up component by component by ourselves: where it ends, and what is there. Meant
// for paths that somebody typed; what lies below is never reached by a path again.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::archive {

/// Which symbolic links on the way are followed: all of them (inside a container, whose root is
/// ours then), or only those that root or the caller has made, since others could lead to where the
/// caller may write and they may not.
enum class Links { all, trusted };

struct Place {
  sys::UniqueFd parent;
  std::string name;                  // in the parent; "." for the parent itself
  std::optional<struct stat> found;  // of what is there, itself and not what it points to
  [[nodiscard]] bool is_directory() const { return found && S_ISDIR(found->st_mode); }
};

/// `follow`: also a link at the end. Errors: ENOENT for what is missing on the way; EPERM for a
/// link that is not trusted; ELOOP.
[[nodiscard]] Result<Place> find_place(const std::string& path, Links links, bool follow);

/// "a/b/" and "a/b/." name a directory; the second, and "." and "/", only what is in it.
[[nodiscard]] bool names_directory(const std::string& path);
[[nodiscard]] bool names_contents(const std::string& path);
/// The last component.
[[nodiscard]] std::string base_name(const std::string& path);

}  // namespace nucleus::archive
