#include "archive/tree_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr unsigned kMostDepth = 256;
constexpr std::uint64_t kMostEntries = 2'000'000;
constexpr std::uint64_t kMostHoles = 64ULL << 30;
constexpr long kMqueue = 0x19800202;  // MQUEUE_MAGIC, not in linux/magic.h

const char* special_kind(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// What is read there is made in that moment, and reading may wait for ever.
bool is_kernels(int fd) {
  struct statfs info{};
  if (::fstatfs(fd, &info) < 0) return true;
  const auto type = static_cast<unsigned long>(info.f_type);
  for (const unsigned long kernels :
       {static_cast<unsigned long>(PROC_SUPER_MAGIC), static_cast<unsigned long>(SYSFS_MAGIC),
        static_cast<unsigned long>(CGROUP_SUPER_MAGIC), static_cast<unsigned long>(DEBUGFS_MAGIC),
        static_cast<unsigned long>(CGROUP2_SUPER_MAGIC), static_cast<unsigned long>(TRACEFS_MAGIC),
        static_cast<unsigned long>(DEVPTS_SUPER_MAGIC), static_cast<unsigned long>(kMqueue)}) {
    if (type == kernels) return true;
  }
  return false;
}

class Walk {
 public:
  Walk(TarWriter& writer, Notes& notes) : writer_(writer), notes_(notes) {}

  // `shown` is the path in the archive. The first one must be there and be something.
  Result<> object(int parent, const std::string& name, const std::string& shown, unsigned depth) {
    struct stat info{};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT && depth > 0) return {};
      return fail(Kind::runtime, errno, "read", shown);
    }
    if (++entries_ > kMostEntries)
      return fail(Kind::runtime, E2BIG, "copy", shown, "there are more than two million files");
    if (depth > kMostDepth)
      return fail(Kind::runtime, ELOOP, "copy", shown, "it is more than 256 directories deep");
    if (S_ISDIR(info.st_mode)) return directory(parent, name, shown, depth);
    if (S_ISREG(info.st_mode)) return file(parent, name, shown, depth);
    if (S_ISLNK(info.st_mode)) return link(parent, name, shown, info);
    return left_out(shown, special_kind(info.st_mode), depth);
  }

 private:
  Result<> left_out(const std::string& shown, const std::string& why, unsigned depth) {
    if (depth == 0) return fail(Kind::usage, 0, "copy", shown, "it is " + why);
    notes_.add(shown + " (" + why + ")");
    return {};
  }

  static Entry entry_of(EntryKind kind, const std::string& shown, const struct stat& info) {
    return {.kind = kind,
            .path = shown,
            .link = {},
            .mode = info.st_mode & 07777U,
            .uid = info.st_uid,
            .gid = info.st_gid,
            .mtime = info.st_mtim.tv_sec,
            .size = 0};
  }

  // Opened without waiting, then looked at: it may be another thing by now.
  Result<sys::UniqueFd> open(int parent, const std::string& name, const std::string& shown,
                             int flags, mode_t kind, unsigned depth, struct stat& info) {
    const int fd = ::openat(parent, name.c_str(),
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    sys::UniqueFd opened(fd);
    const int why = errno;
    if (fd < 0 && depth > 0 && (why == ENOENT || why == ELOOP || why == ENOTDIR || why == ENXIO)) {
      notes_.add(shown + " (it changed while it was copied)");
      return sys::UniqueFd();
    }
    if (fd < 0) return fail(Kind::runtime, why, "read", shown);
    if (::fstat(fd, &info) < 0 || (info.st_mode & S_IFMT) != kind) {
      NUCLEUS_CHECK(left_out(shown, "something else than a moment ago", depth));
      return sys::UniqueFd();
    }
    if (is_kernels(fd)) {
      NUCLEUS_CHECK(left_out(shown, "of the kernel, not kept anywhere", depth));
      return sys::UniqueFd();
    }
    return opened;
  }

  Result<> directory(int parent, const std::string& name, const std::string& shown,
                     unsigned depth) {
    struct stat info{};
    sys::UniqueFd fd = NUCLEUS_TRY(open(parent, name, shown, O_DIRECTORY, S_IFDIR, depth, info));
    if (!fd.valid()) return {};
    NUCLEUS_CHECK(writer_.entry(entry_of(EntryKind::directory, shown, info)));
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(fd.get()), ::closedir);
    if (!list) return fail(Kind::runtime, errno, "read", shown);
    const int number = fd.release();
    // All names first: one that grows for ever is left at this many.
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const item = ::readdir(list.get())) {
      const std::string_view found = item->d_name;
      if (found == "." || found == "..") continue;
      if (names.size() > kMostEntries)
        return fail(Kind::runtime, E2BIG, "copy", shown, "there are more than two million files");
      names.emplace_back(found);
      errno = 0;
    }
    if (errno != 0) return fail(Kind::runtime, errno, "read", shown);
    std::ranges::sort(names);
    for (const std::string& each : names) {
      std::string below = shown;
      below.append("/").append(each);
      NUCLEUS_CHECK(object(number, each, below, depth + 1));
    }
    return {};
  }

  Result<> link(int parent, const std::string& name, const std::string& shown,
                const struct stat& info) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    if (size < 0) {
      notes_.add(shown + " (it changed while it was copied)");
      return {};
    }
    Entry entry = entry_of(EntryKind::symlink, shown, info);
    entry.link.assign(target.data(), static_cast<std::size_t>(size));
    return writer_.entry(entry);
  }

  Result<> file(int parent, const std::string& name, const std::string& shown, unsigned depth) {
    struct stat info{};
    const sys::UniqueFd fd = NUCLEUS_TRY(open(parent, name, shown, 0, S_IFREG, depth, info));
    if (!fd.valid()) return {};
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::uint64_t kept = static_cast<std::uint64_t>(info.st_blocks) * 512;
    holes_ += size > kept ? size - kept : 0;
    if (holes_ > kMostHoles)
      return fail(Kind::runtime, EFBIG, "copy", shown, "its holes come to more than 64 GiB");
    Entry entry = entry_of(EntryKind::file, shown, info);
    entry.size = size;
    NUCLEUS_CHECK(writer_.entry(entry));
    std::uint64_t left = size;
    while (left > 0) {
      const ssize_t got = ::read(fd.get(), buffer_.data(),
                                 static_cast<std::size_t>(std::min<std::uint64_t>(left, kBuffer)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(Kind::runtime, errno, "read", shown);
      // It was cut meanwhile; the archive has told its size already.
      if (got == 0) break;
      NUCLEUS_CHECK(writer_.data({buffer_.data(), static_cast<std::size_t>(got)}));
      left -= static_cast<std::uint64_t>(got);
    }
    if (left == 0) return {};
    notes_.add(shown + " (it became shorter while it was copied: zeros follow)");
    buffer_.fill('\0');
    for (; left > 0; left -= std::min<std::uint64_t>(left, kBuffer)) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBuffer));
      NUCLEUS_CHECK(writer_.data({buffer_.data(), part}));
    }
    return {};
  }

  static constexpr std::size_t kBuffer = 64U << 10;
  TarWriter& writer_;
  Notes& notes_;
  std::array<char, kBuffer> buffer_{};
  std::uint64_t entries_ = 0, holes_ = 0;
};

}  // namespace

Result<> write_tree(TarWriter& writer, const Place& place, const std::string& name, Notes& notes) {
  const auto walk = std::make_unique<Walk>(writer, notes);
  NUCLEUS_CHECK(walk->object(place.parent.get(), place.name, name, 0));
  return writer.finish();
}

}  // namespace nucleus::archive
