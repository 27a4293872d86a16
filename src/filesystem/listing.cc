#include "filesystem/listing.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>

namespace nucleus::filesystem {
namespace {

using sys::UniqueFd;

// The walk costs a call per component, but works on every kernel and for paths over PATH_MAX.
UniqueFd walk_below(int root, std::string_view path, int flags) {
  UniqueFd here;
  for (int at = root;;) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    UniqueFd next(
        ::openat(at, name.c_str(), last ? flags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (last || !next.valid()) {
      const int saved = errno;
      here.reset();
      errno = saved;
      return next;
    }
    here = std::move(next);
    at = here.get();
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string join(const std::string& directory, std::string_view name) {
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path = directory;
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

bool vanished(int errnum) { return errnum == ENOENT || errnum == ESTALE; }

UniqueFd open_below(int root, const std::string& path, int flags) {
  static std::atomic<bool> has_openat2{true};
  if (path.empty()) return UniqueFd(::openat(root, ".", flags));
  if (path.size() < PATH_MAX && has_openat2.load(std::memory_order_relaxed)) {
    open_how how = {};
    how.flags = static_cast<decltype(how.flags)>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    long fd = -1;
    do {
      fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return UniqueFd();
    if (errno == ENOSYS) has_openat2.store(false, std::memory_order_relaxed);
  }
  return walk_below(root, path, flags);
}

std::optional<unsigned char> look_up_type(int directory, const char* name) {
  struct stat status = {};
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

std::span<const char> first_records(std::span<const char> records, unsigned count) {
  std::size_t size = 0;
  for (unsigned i = 0; i < count && size < records.size(); ++i) {
    size += reinterpret_cast<const dirent64*>(records.data() + size)->d_reclen;
  }
  return records.first(size);
}

}  // namespace nucleus::filesystem
