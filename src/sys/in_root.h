// Opens a path as seen from a root: absolute links and ".." stay inside. By openat2(2) with
// RESOLVE_IN_ROOT, and by a walk of our own where that is missing (Linux before 5.6, and seccomp
// profiles of older container engines, which answer ENOSYS).
//
// The walk opens one component after the other without following it, reads links itself, and never
// says ".." to the kernel: it goes back to the root and down again, so that a directory which
// somebody moves away meanwhile leads nowhere else. What is swapped under it is an error.
// Child-safe: raw system calls, no heap.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>

#include "sys/raw.h"

namespace nucleus::sys {

class RootWalk {
 public:
  RootWalk(int root, bool no_links) : root_(root), no_links_(no_links) {}
  RootWalk(const RootWalk&) = delete;
  RootWalk& operator=(const RootWalk&) = delete;
  ~RootWalk() { return_to_root(); }

  /// As openat2(2): a descriptor or -errno. A magic link of proc(5) counts as an ordinary one.
  long open(const char* path, long flags, long mode) {
    std::size_t size = 0;
    for (; path[size] != '\0'; ++size) {
      if (size + 1 >= kMost) return -ENAMETOOLONG;
      rest_[size] = path[size];
    }
    rest_[size] = '\0';
    if (size == 0) return -ENOENT;
    int links = 0;
    for (std::size_t at = 0;;) {
      while (rest_[at] == '/') ++at;
      if (rest_[at] == '\0') return open_at(".", flags, mode);
      char* const name = rest_ + at;
      while (rest_[at] != '\0' && rest_[at] != '/') ++at;
      const bool slash = rest_[at] == '/';
      rest_[at] = '\0';
      if (slash) ++at;
      std::size_t next = at;
      while (rest_[next] == '/') ++next;
      const bool last = rest_[next] == '\0';
      if (is(name, ".")) continue;
      long failed = 0;
      if (is(name, "..")) {
        failed = go_up();
        if (failed < 0) return failed;
        continue;
      }
      const long fd = open_at(name, O_PATH | O_NOFOLLOW, 0);
      if (fd == -ENOENT && last && !slash && (flags & O_CREAT) != 0)
        return open_at(name, flags | O_NOFOLLOW, mode);
      if (fd < 0) return fd;
      struct statx found{};
      failed = raw::call(__NR_statx, fd, raw::address(""), AT_EMPTY_PATH, STATX_TYPE,
                         raw::address(&found));
      const unsigned type = found.stx_mode & S_IFMT;
      if (failed >= 0 && type == S_IFLNK) {
        if (last && !slash && !no_links_ && (flags & O_NOFOLLOW) != 0 && (flags & O_PATH) != 0)
          return fd;
        const bool refused =
            no_links_ || (last && !slash && (flags & O_NOFOLLOW) != 0) || ++links > 40;
        failed = refused ? -ELOOP : put_link(fd, at, slash);
        close(fd);
        if (failed < 0) return failed;
        at = 0;
        continue;
      }
      const bool directory = type == S_IFDIR;
      const bool wants_directory = !last || slash || (flags & O_DIRECTORY) != 0;
      if (failed >= 0 && wants_directory && !directory) failed = -ENOTDIR;
      if (failed >= 0 && !last) failed = go_down(name, fd);
      if (failed < 0 || (last && (flags & O_PATH) == 0)) close(fd);
      if (failed < 0) return failed;
      if (last) return (flags & O_PATH) != 0 ? fd : open_at(name, flags | O_NOFOLLOW, mode);
    }
  }

 private:
  static constexpr std::size_t kMost = 4096;

  static void close(long fd) { raw::call(__NR_close, fd); }

  static bool is(const char* name, const char* other) {
    std::size_t at = 0;
    while (name[at] == other[at] && name[at] != '\0') ++at;
    return name[at] == other[at];
  }

  long open_at(const char* name, long flags, long mode) const {
    return raw::retried(__NR_openat, here_ < 0 ? root_ : here_, raw::address(name),
                        flags | O_CLOEXEC, mode);
  }

  void return_to_root() {
    if (here_ >= 0) close(here_);
    here_ = -1;
  }

  long go_down(const char* name, long fd) {
    std::size_t size = done_size_;
    for (std::size_t at = 0; name[at] != '\0'; ++at) {
      if (size + 2 >= kMost) return -ENAMETOOLONG;
      done_[size++] = name[at];
    }
    done_[size++] = '\0';  // each component is a text of its own
    done_size_ = size;
    return_to_root();
    here_ = fd;
    return 0;
  }

  long go_up() {
    if (done_size_ > 0) --done_size_;
    while (done_size_ > 0 && done_[done_size_ - 1] != '\0') --done_size_;
    return_to_root();
    for (std::size_t at = 0; at < done_size_; ++at) {
      const long next = open_at(done_ + at, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
      return_to_root();
      if (next < 0) return next;
      here_ = next;
      while (done_[at] != '\0') ++at;
    }
    return 0;
  }

  // What the link says, and behind it what was still to come, is what is to come now.
  long put_link(long fd, std::size_t at, bool slash) {
    char text[kMost];
    const long got = raw::call(__NR_readlinkat, fd, raw::address(""), raw::address(text), kMost);
    if (got < 0) return got;
    auto size = static_cast<std::size_t>(got);
    if (size == 0) return -ENOENT;
    if (size + 2 >= kMost) return -ENAMETOOLONG;
    if (slash) text[size++] = '/';
    for (; rest_[at] != '\0'; ++at) {
      if (size + 1 >= kMost) return -ENAMETOOLONG;
      text[size++] = rest_[at];
    }
    for (std::size_t index = 0; index < size; ++index) rest_[index] = text[index];
    rest_[size] = '\0';
    if (rest_[0] == '/') {
      return_to_root();
      done_size_ = 0;
    }
    return 0;
  }

  int root_;
  bool no_links_;
  long here_ = -1;  // -1: the root itself
  char rest_[kMost];
  char done_[kMost];
  std::size_t done_size_ = 0;
};

/// Kernel 5.6, or the walk. `flags` of openat(2), O_CLOEXEC added. -errno on failure; magic links
/// are refused; with `no_links` every link is (ELOOP).
inline long open_in_root_raw(int root, const char* path, long flags, long mode = 0,
                             bool no_links = false) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = static_cast<__u64>(mode);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (no_links ? RESOLVE_NO_SYMLINKS : 0U);
  for (;;) {
    const long result =
        raw::call(__NR_openat2, root, raw::address(path), raw::address(&how), sizeof how);
    if (result == -ENOSYS) break;
    // EAGAIN: a rename elsewhere made the kernel unsure about a "..". Trying again is what
    // openat2(2) advises.
    if (result != -EINTR && result != -EAGAIN) return result;
  }
  return RootWalk(root, no_links).open(path, flags, mode);
}

}  // namespace nucleus::sys
