// Opening, reading and writing files by directory descriptor; resolution inside a root by
// openat2(2).
//
// Everything here is close-on-exec. Errors name the path. Not child-safe: messages are made here.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::sys {

/// openat(2) with O_CLOEXEC added. `op` reads after "cannot" in the error: "open the context".
[[nodiscard]] Result<UniqueFd> open_at(int directory, const std::string& path, int flags,
                                       mode_t mode = 0, std::string op = "open",
                                       Kind kind = Kind::runtime);

/// Opens `path` as seen from `root`: absolute links and ".." stay inside (RESOLVE_IN_ROOT), magic
/// links are refused. Source: openat2(2), or the walk of in_root.h where it is missing.
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const std::string& path, int flags,
                                            std::string op = "open");

/// The whole of a small file (at most `limit` bytes; more is EFBIG).
[[nodiscard]] Result<std::string> read_file_at(int directory, const std::string& path,
                                               std::size_t limit = 1U << 20);

/// What is left to read of `fd`. Errors: EFBIG above `limit` bytes.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& subject,
                                           std::size_t limit = 1U << 20);

/// Writes `text` in one write(2) to an existing file: the way of cgroup and proc files. A short
/// write is EIO.
[[nodiscard]] Result<> write_file_at(int directory, const std::string& path, std::string_view text);

/// Writes all of `bytes` to `fd`, however many calls it takes.
[[nodiscard]] Result<> write_all(int fd, std::string_view bytes, const std::string& subject);

/// A sealed anonymous file with these contents. Kernel 3.17. Source: memfd_create(2).
[[nodiscard]] Result<UniqueFd> sealed_memfd(const char* name, std::string_view bytes);

/// A second descriptor of what `fd` is, close-on-exec, with a number of at least `lowest`.
[[nodiscard]] Result<UniqueFd> copy_above(int fd, int lowest);

/// mkdirat for each missing component of an absolute path; existing directories are left as they
/// are.
[[nodiscard]] Result<> make_directories(const std::string& path, mode_t mode);

}  // namespace nucleus::sys
