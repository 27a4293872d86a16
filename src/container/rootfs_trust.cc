#include "container/rootfs_trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::container {
namespace {

constexpr std::size_t kMostEntries = 2'000'000;
constexpr unsigned kMostDepth = 256;

// What is wrong with one file or directory; empty: nothing.
std::string fault_of(const struct stat& info) {
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return "belongs to uid " + std::to_string(info.st_uid);
  const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if (!S_ISLNK(info.st_mode) && (info.st_mode & 022) != 0 && !sticky)
    return "can be written by others";
  return {};
}

bool keeps_others_out(const struct stat& info) { return (info.st_mode & 011) == 0; }

class Walk {
 public:
  explicit Walk(int top) : top_(top) {}

  // The first entry with a fault, and the fault.
  Result<std::string> run() {
    queue_.push_back({.path = ".", .depth = 0});
    while (!queue_.empty()) {
      const Pending here = std::move(queue_.back());
      queue_.pop_back();
      std::string found = NUCLEUS_TRY(directory(here));
      if (!found.empty()) return found;
    }
    return std::string();
  }

 private:
  struct Pending {
    std::string path;
    unsigned depth;
  };

  Result<std::string> directory(const Pending& here) {
    if (here.depth > kMostDepth)
      return fail(Kind::runtime, ELOOP, "look through the rootfs", here.path, "it is too deep");
    sys::UniqueFd fd = NUCLEUS_TRY(
        sys::open_at(top_, here.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK));
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd.get()), &::closedir);
    if (entries == nullptr) return fail(Kind::runtime, errno, "look through the rootfs", here.path);
    (void)fd.release();
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(entries.get());
      if (entry == nullptr && errno != 0)
        return fail(Kind::runtime, errno, "list the directory", here.path);
      if (entry == nullptr) return std::string();
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++seen_ > kMostEntries) {
        return fail(Kind::runtime, EFBIG, "look through the rootfs", here.path,
                    "it has more than two million entries");
      }
      std::string path = here.path;
      path.append("/").append(name);
      struct stat info{};
      if (::fstatat(::dirfd(entries.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(Kind::runtime, errno, "look at", path);
      if (std::string fault = fault_of(info); !fault.empty())
        return path.substr(1).append(" in it ").append(fault);
      if (S_ISDIR(info.st_mode)) queue_.push_back({.path = path, .depth = here.depth + 1});
    }
  }

  int top_;
  std::size_t seen_ = 0;
  std::vector<Pending> queue_;
};

}  // namespace

Result<std::string> distrust_of_rootfs(int fd, const std::string& path, bool attested) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr) return fail(Kind::runtime, errno, "find the rootfs", path);
  bool closed = false;
  for (std::string place = real.get();;) {
    struct stat info{};
    if (::lstat(place.c_str(), &info) < 0) return fail(Kind::runtime, errno, "look at", place);
    if (place == real.get()) {
      struct stat opened{};
      if (::fstat(fd, &opened) < 0) return fail(Kind::runtime, errno, "look at", place);
      if (opened.st_ino != info.st_ino || opened.st_dev != info.st_dev)
        return "it was replaced a moment ago";
    }
    if (std::string fault = fault_of(info); !fault.empty()) return place.append(" ").append(fault);
    closed = closed || keeps_others_out(info);
    if (place == "/") break;
    const std::size_t slash = place.rfind('/');
    place.resize(slash == 0 ? 1 : slash);
  }
  if (closed || attested) return std::string();
  return Walk(fd).run();
}

}  // namespace nucleus::container
