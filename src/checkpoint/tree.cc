#include "checkpoint/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/utf8.h"
#include "base/visible_text.h"
#include "sys/file.h"

namespace nucleus::checkpoint {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kPiece = 256U << 10;
constexpr mode_t kOthersWrite = 022;
constexpr mode_t kOthersAtAll = 077;

std::string shown(const std::string& path) { return visible_text(path, 4096); }

Result<> check_owner_and_mode(const struct stat& info, const std::string& path, mode_t refused) {
  if (info.st_uid != ::geteuid()) {
    return fail(Kind::runtime, EPERM, "trust", shown(path),
                "it belongs to uid " + std::to_string(info.st_uid) + ", not to " +
                    std::to_string(::geteuid()));
  }
  if ((info.st_mode & refused) != 0) {
    return fail(Kind::runtime, EPERM, "trust", shown(path),
                refused == kOthersWrite ? "others may write to it: chmod go-w"
                                        : "others may enter it: chmod 0700");
  }
  return {};
}

Result<std::vector<std::string>> sorted_names(int directory, const std::string& path) {
  sys::UniqueFd again = NUCLEUS_TRY(
      sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "list the directory"));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(again.get()), &::closedir);
  if (!entries) return fail(Kind::runtime, errno, "list the directory", shown(path));
  (void)again.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return fail(Kind::runtime, errno, "list the directory", shown(path));
  std::ranges::sort(names);  // as unsigned bytes, which char_traits compares
  return names;
}

// `Visitor` has directory(name), and file(fd, info, name, path).
template <typename Visitor>
class Walk {
 public:
  Walk(std::string root, Visitor& visitor) : root_(std::move(root)), visitor_(visitor) {}

  Result<> directory(int fd, const std::string& below, int depth) {
    if (depth > kDeepest)
      return fail(Kind::runtime, ELOOP, "cover", where(below), "directories lie too deep in it");
    for (const std::string& name : NUCLEUS_TRY(sorted_names(fd, where(below)))) {
      if (below.empty() && name == kSealName) continue;
      std::string inside = below;
      inside.append(below.empty() ? "" : "/").append(name);
      NUCLEUS_CHECK(entry(fd, name, inside, depth));
    }
    return {};
  }

 private:
  [[nodiscard]] std::string where(const std::string& below) const {
    return shown(below.empty() ? root_ : root_ + "/" + below);
  }

  Result<> entry(int directory_fd, const std::string& name, const std::string& below, int depth) {
    if (!is_utf8(name)) return fail(Kind::runtime, EILSEQ, "cover the name", where(below));
    struct stat info{};
    if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
      return fail(Kind::runtime, errno, "look at", where(below));
    if (S_ISLNK(info.st_mode)) {
      return fail(Kind::runtime, ELOOP, "cover the symbolic link", where(below),
                  "a checkpoint has none");
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
      return fail(Kind::runtime, EINVAL, "cover the special file", where(below),
                  "a checkpoint has none");
    }
    NUCLEUS_CHECK(check_owner_and_mode(info, where(below), kOthersWrite));
    const int kind = S_ISDIR(info.st_mode) ? O_DIRECTORY : O_NONBLOCK;
    auto opened = sys::open_at(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | kind);
    if (!opened) {
      opened.error().subject = where(below);
      return std::unexpected(std::move(opened.error()));
    }
    struct stat now{};
    if (::fstat(opened->get(), &now) < 0)
      return fail(Kind::runtime, errno, "look at", where(below));
    if (now.st_ino != info.st_ino || now.st_dev != info.st_dev)
      return fail(Kind::runtime, EBUSY, "cover", where(below), "it was swapped meanwhile");
    if (S_ISREG(info.st_mode)) return visitor_.file(opened->get(), now, below, where(below));
    visitor_.directory(below);
    return directory(opened->get(), below, depth + 1);
  }

  std::string root_;
  Visitor& visitor_;
};

struct Sizes {
  std::uint64_t bytes = 0;
  static void directory(const std::string&) {}
  Result<> file(int, const struct stat& info, const std::string&, const std::string&) {
    bytes += static_cast<std::uint64_t>(info.st_size);
    return {};
  }
};

class Summing {
 public:
  Summing(std::string_view key, const Progress& progress, std::uint64_t all)
      : mac_(key), progress_(progress), all_(all), piece_(kPiece, '\0') {}

  void directory(const std::string& below) { add_head('D', below); }

  Result<> file(int fd, const struct stat& info, const std::string& below,
                const std::string& path) {
    add_head('F', below);
    const auto size = static_cast<std::uint64_t>(info.st_size);
    std::string length;
    for (unsigned shift = 0; shift < 64; shift += 8) length += static_cast<char>(size >> shift);
    mac_.add(length);
    std::uint64_t read = 0;
    for (;;) {
      const ssize_t got = ::read(fd, piece_.data(), piece_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(Kind::runtime, errno, "read", path);
      if (got == 0) break;
      mac_.add(std::string_view(piece_).substr(0, static_cast<std::size_t>(got)));
      read += static_cast<std::uint64_t>(got);
      tree_.bytes += static_cast<std::uint64_t>(got);
      tell();
    }
    if (read != size)
      return fail(Kind::runtime, EBUSY, "cover", path, "it changed while it was read");
    ++tree_.files;
    return {};
  }

  Tree finish() {
    tree_.digest = mac_.finish();
    return std::move(tree_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void add_head(char kind, const std::string& below) {
    std::string head(1, kind);
    head += '\0';
    head += below;
    head += '\0';
    mac_.add(head);
  }

  void tell() {
    constexpr std::chrono::milliseconds kBetween{100};
    if (!progress_ || Clock::now() < told_ + kBetween) return;
    told_ = Clock::now();
    progress_(tree_.bytes, all_);
  }

  HmacSha256 mac_;
  const Progress& progress_;
  std::uint64_t all_;
  std::string piece_;
  Tree tree_;
  Clock::time_point told_;
};

}  // namespace

Result<sys::UniqueFd> open_checkpoint(const std::string& path) {
  // Without O_NOFOLLOW a link at the end would lead on; with it a slash at the end would as well.
  std::string plain = path;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  auto opened = sys::open_at(AT_FDCWD, plain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                             "open the checkpoint", Kind::usage);
  if (!opened) {
    struct stat info{};
    const bool link = ::lstat(plain.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
    if (link) opened.error().hint = "it is a symbolic link: name what it leads to";
    return opened;
  }
  struct stat info{};
  if (::fstat(opened->get(), &info) < 0) return fail(Kind::runtime, errno, "look at", shown(plain));
  NUCLEUS_CHECK(check_owner_and_mode(info, plain, kOthersAtAll));
  return opened;
}

Result<Tree> digest_of(int directory, const std::string& path, std::string_view key,
                       const Progress& progress) {
  Sizes sizes;
  if (progress) NUCLEUS_CHECK(Walk(path, sizes).directory(directory, "", 0));
  Summing sum(key, progress, sizes.bytes);
  NUCLEUS_CHECK(Walk(path, sum).directory(directory, "", 0));
  return sum.finish();
}

}  // namespace nucleus::checkpoint
