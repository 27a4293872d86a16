#include "archive/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <set>
#include <vector>

#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr std::size_t kMostEntries = 2'000'000;
constexpr unsigned kMostDepth = 256;

class Lister {
 public:
  explicit Lister(Listing& into) : into_(into) {}

  Result<> directory(sys::UniqueFd fd, const std::string& path, unsigned depth) {
    if (depth > kMostDepth)
      return fail(Kind::runtime, ELOOP, "list", path, "it is more than 256 directories deep");
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(fd.get()), ::closedir);
    if (!list) return fail(Kind::runtime, errno, "list", path);
    const int number = fd.release();
    std::vector<std::string> below;
    errno = 0;
    while (const dirent* const item = ::readdir(list.get())) {
      const std::string name = item->d_name;
      if (name != "." && name != "..") NUCLEUS_CHECK(entry(number, name, path, below));
      errno = 0;
    }
    if (errno != 0) return fail(Kind::runtime, errno, "list", path);
    for (const std::string& name : below) {
      sys::UniqueFd next(::openat(number, name.c_str(),
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      const int why = errno;
      if (!next.valid() && (why == ENOENT || why == ENOTDIR || why == ELOOP)) continue;
      std::string inner = path;
      inner.append("/").append(name);
      if (!next.valid()) return fail(Kind::runtime, why, "list", std::move(inner));
      NUCLEUS_CHECK(directory(std::move(next), inner, depth + 1));
    }
    return {};
  }

 private:
  Result<> entry(int parent, const std::string& name, const std::string& path,
                 std::vector<std::string>& below) {
    struct statx info{};
    if (::statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                STATX_TYPE | STATX_MODE | STATX_CTIME, &info) < 0) {
      return errno == ENOENT ? Result<>() : fail(Kind::runtime, errno, "list", path + "/" + name);
    }
    if (into_.size() >= kMostEntries)
      return fail(Kind::runtime, E2BIG, "list", path, "there are more than two million files");
    const bool mount = (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    into_[path + "/" + name] = {
        .mode = info.stx_mode,
        .changed = info.stx_ctime.tv_sec * 1'000'000'000LL + info.stx_ctime.tv_nsec,
        .mount = mount};
    if (S_ISDIR(info.stx_mode) && !mount) below.push_back(name);
    return {};
  }

  Listing& into_;
};

// Whether it lies at or below a path of `places`.
bool is_below(const std::string& path, const std::set<std::string>& places) {
  for (std::size_t end = path.size(); end != std::string::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    if (places.contains(path.substr(0, end))) return true;
  }
  return false;
}

}  // namespace

bool PathOrder::operator()(const std::string& a, const std::string& b) const {
  const auto rank = [](char c) { return c == '/' ? 0U : static_cast<unsigned char>(c) + 1U; };
  return std::ranges::lexicographical_compare(
      a, b, [&](char left, char right) { return rank(left) < rank(right); });
}

Result<Listing> list_tree(int directory) {
  Listing listing;
  auto fd = NUCLEUS_TRY(sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY, 0, "list"));
  NUCLEUS_CHECK(Lister(listing).directory(std::move(fd), "", 0));
  return listing;
}

std::string to_bytes(const Listing& listing) {
  std::string out;
  for (const auto& [path, listed] : listing) {
    out += std::to_string(listed.mode) + " " + std::to_string(listed.changed) +
           (listed.mount ? " m " : " - ") + path;
    out += '\0';
  }
  return out;
}

Result<Listing> listing_from(const std::string& bytes) {
  Listing listing;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\0', at);
    Listed listed;
    const char* const last = bytes.data() + std::min(end, bytes.size());
    const auto mode = std::from_chars(bytes.data() + at, last, listed.mode);
    const auto changed =
        mode.ptr < last ? std::from_chars(mode.ptr + 1, last, listed.changed) : mode;
    if (end == std::string::npos || changed.ec != std::errc() || last - changed.ptr < 4)
      return fail(Kind::runtime, EPROTO, "understand", "the list of the container's files");
    listed.mount = changed.ptr[1] == 'm';
    listing[std::string(changed.ptr + 3, last)] = listed;
    at = end + 1;
  }
  return listing;
}

std::string differences(const Listing& before, const Listing& now) {
  std::set<std::string> mounts;
  for (const auto& [path, listed] : now) {
    if (listed.mount) mounts.insert(path);
  }
  std::map<std::string, char, PathOrder> found;
  std::set<std::string> replaced;  // of another type: what was below it went with it
  for (const auto& [path, listed] : before) {
    if (is_below(path, mounts) || is_below(path, replaced)) continue;
    const auto same = now.find(path);
    if (same == now.end()) {
      found[path] = 'D';
      replaced.insert(path);
    } else if ((same->second.mode & S_IFMT) != (listed.mode & S_IFMT)) {
      found[path] = 'C';
      replaced.insert(path);
    } else if (S_ISDIR(listed.mode) ? same->second.mode != listed.mode
                                    : same->second.changed != listed.changed) {
      found[path] = 'C';
    }
  }
  for (const auto& [path, listed] : now) {
    if (!before.contains(path) && !is_below(path, mounts)) found[path] = 'A';
  }
  std::map<std::string, char, PathOrder> all = found;
  for (const auto& [path, kind] : found) {
    for (std::size_t end = path.rfind('/'); end != std::string::npos && end > 0;
         end = path.rfind('/', end - 1))
      all.emplace(path.substr(0, end), 'C');
  }
  std::string out;
  for (const auto& [path, kind] : all) out += std::string(1, kind) + " " + path + "\n";
  return out;
}

}  // namespace nucleus::archive
