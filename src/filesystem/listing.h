// Reading directories that may change meanwhile and may not be trusted: what copy and search of a
// context share. Errors are errno.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/unique_fd.h"

namespace nucleus::filesystem {

inline constexpr int kOpenSource = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
inline constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

/// "directory/name"; only the name when the directory is the top.
[[nodiscard]] std::string join(const std::string& directory, std::string_view name);

/// Whether this errno says that the file is gone; ESTALE is how a network file system puts it.
[[nodiscard]] bool vanished(int errnum);

/// Opens `path` below `root` through no symbolic link; "" is `root` itself. Descriptors of parents
/// are not kept, so their number does not grow with the depth of the tree. openat2(2), with a walk
/// for kernels without it and for paths over PATH_MAX.
[[nodiscard]] sys::UniqueFd open_below(int root, const std::string& path, int flags);

/// The DT_ value of an entry; nothing when it is gone.
[[nodiscard]] std::optional<unsigned char> look_up_type(int directory, const char* name);

// A buffer of getdents64() records. The slack keeps a whole dirent64 inside the allocation, even
// for the last, shorter, record.
class Listing {
 public:
  Listing() : records_(kBytes + sizeof(dirent64)) {}
  ssize_t fill(int directory) { return ::getdents64(directory, records_.data(), kBytes); }
  [[nodiscard]] std::span<const char> records(ssize_t size) const {
    return {records_.data(), static_cast<std::size_t>(size)};
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  std::vector<char> records_;
};

// Calls visit(name, type) for every record but "." and ".."; ends early when it returns false.
template <typename Visit>
bool for_each_record(std::span<const char> records, Visit visit) {
  while (!records.empty()) {
    const auto* record = reinterpret_cast<const dirent64*>(records.data());
    const char* name = &record->d_name[0];
    const unsigned char type = record->d_type;
    records = records.subspan(record->d_reclen);
    const std::string_view view(name);
    if (view == "." || view == "..") continue;
    if (!visit(name, type)) return false;
  }
  return true;
}

// The first `count` records.
[[nodiscard]] std::span<const char> first_records(std::span<const char> records, unsigned count);

}  // namespace nucleus::filesystem
