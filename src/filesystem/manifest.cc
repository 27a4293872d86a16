#include "filesystem/manifest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sha256.h"
#include "filesystem/listing.h"

namespace nucleus::filesystem {
namespace {

constexpr unsigned kMostDepth = 256;

class Reader {
 public:
  Reader(int top, const NameFilter& filter, bool specials, bool owners = false)
      : top_(top), filter_(filter), specials_(specials), owners_(owners) {}

  Result<Manifest> run() {
    queue_.push_back({.path = "", .depth = 0});
    while (!queue_.empty()) {
      const Pending here = std::move(queue_.back());
      queue_.pop_back();
      NUCLEUS_CHECK(directory(here));
    }
    std::ranges::sort(manifest_.entries);
    return std::move(manifest_);
  }

 private:
  struct Pending {
    std::string path;
    unsigned depth;
  };

  Result<> directory(const Pending& here) {
    if (here.depth > kMostDepth) {
      return fail(Kind::runtime, ELOOP, "verify the directory", here.path,
                  "directories are nested deeper than 256");
    }
    const sys::UniqueFd fd = open_below(top_, here.path, kOpenDirectory);
    if (!fd.valid())
      return fail(Kind::runtime, errno, "verify the directory",
                  here.path.empty() ? "." : here.path);
    for (;;) {
      const ssize_t size = listing_.fill(fd.get());
      if (size < 0) return fail(Kind::runtime, errno, "list the directory", here.path);
      if (size == 0) return {};
      Result<> result;
      for_each_record(listing_.records(size), [&](const char* name, unsigned char) {
        if (filter_.lets_through(name)) result = entry(fd.get(), here, name);
        return result.has_value();
      });
      NUCLEUS_CHECK(result);
    }
  }

  Result<> entry(int directory, const Pending& here, const char* name) {
    const std::string path = join(here.path, name);
    struct stat info{};
    if (::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
      return fail(Kind::runtime, errno, "verify", path);
    Sha256 sum;
    if (owners_) add_owners(info, sum);
    const mode_t type = info.st_mode & S_IFMT;
    if (type == S_IFREG) {
      NUCLEUS_CHECK(file(directory, name, path, sum));
    } else if (type == S_IFLNK) {
      char text[4096];
      const ssize_t size = ::readlinkat(directory, name, text, sizeof text);
      if (size < 0) return fail(Kind::runtime, errno, "read the symbolic link", path);
      sum.add("link\n");
      sum.add({text, static_cast<std::size_t>(size)});
    } else if (type == S_IFDIR) {
      sum.add("directory\n" + std::to_string(info.st_mode & 07777));
      queue_.push_back({.path = path, .depth = here.depth + 1});
    } else if (specials_) {
      sum.add("special\n" + std::to_string(info.st_mode) + " " + std::to_string(info.st_rdev));
    } else {
      return {};
    }
    manifest_.entries.emplace_back(path, sum.finish());
    return {};
  }

  static void add_owners(const struct stat& info, Sha256& sum) {
    sum.add("owners\n" + std::to_string(info.st_uid) + " " + std::to_string(info.st_gid) + " " +
            std::to_string(info.st_mode) + "\n");
  }

  Result<> file(int directory, const char* name, const std::string& path, Sha256& sum) {
    const sys::UniqueFd fd(::openat(directory, name, kOpenSource));
    struct stat info{};
    if (!fd.valid() || ::fstat(fd.get(), &info) < 0)
      return fail(Kind::runtime, errno, "verify the file", path);
    sum.add("file\n" + std::to_string(info.st_mode & (S_IFMT | 0777)) + " " +
            std::to_string(info.st_size) + "\n");
    buffer_.resize(std::size_t{256} << 10);
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(Kind::runtime, errno, "verify the file", path);
      if (got == 0) return {};
      sum.add({buffer_.data(), static_cast<std::size_t>(got)});
    }
  }

  int top_;
  const NameFilter& filter_;
  bool specials_;
  bool owners_;
  Listing listing_;
  std::vector<Pending> queue_;
  std::string buffer_;
  Manifest manifest_;
};

}  // namespace

std::string Manifest::digest() const {
  Sha256 sum;
  for (const auto& [path, digest] : entries) {
    sum.add(digest);
    sum.add(" ");
    sum.add({path.c_str(), path.size() + 1});
  }
  return sum.finish();
}

Result<Manifest> read_manifest(int directory, const NameFilter& filter, bool specials) {
  return Reader(directory, filter, specials).run();
}

Result<std::string> rootfs_digest(int directory) {
  struct stat top{};
  if (::fstat(directory, &top) < 0) return fail(Kind::runtime, errno, "look at", "the rootfs");
  const NameFilter everything({"*"});
  Manifest manifest = NUCLEUS_TRY(Reader(directory, everything, true, true).run());
  Sha256 sum;
  sum.add("rootfs\n" + std::to_string(top.st_uid) + " " + std::to_string(top.st_gid) + " " +
          std::to_string(top.st_mode) + "\n");
  sum.add(manifest.digest());
  return sum.finish();
}

std::string first_difference(const Manifest& original, const Manifest& copy) {
  auto first = original.entries.begin();
  auto second = copy.entries.begin();
  while (first != original.entries.end() || second != copy.entries.end()) {
    const bool missing = second == copy.entries.end() ||
                         (first != original.entries.end() && first->first < second->first);
    if (missing) return first->first + " is missing";
    if (first == original.entries.end() || second->first < first->first)
      return second->first + " is new";
    if (first->second != second->second) return first->first + " has changed";
    ++first;
    ++second;
  }
  return {};
}

}  // namespace nucleus::filesystem
