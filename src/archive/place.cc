#include "archive/place.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>

#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr int kMostLinks = 40;
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW;

std::deque<std::string> split(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Result<sys::UniqueFd> begin_of(const std::string& path) {
  return sys::open_at(AT_FDCWD, path.starts_with('/') ? "/" : ".", O_PATH | O_DIRECTORY);
}

}  // namespace

Result<Place> find_place(const std::string& path, Links links, bool follow) {
  if (path.empty()) return fail(Kind::usage, ENOENT, "find", "an empty path");
  Place place;
  place.parent = NUCLEUS_TRY(begin_of(path));
  std::deque<std::string> parts = split(path);
  bool directory = names_directory(path);
  for (int seen = 0;;) {
    const std::string part = parts.empty() ? "." : parts.front();
    if (!parts.empty()) parts.pop_front();
    const bool last = parts.empty();
    struct stat info{};
    const bool there = ::fstatat(place.parent.get(), part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there && (errno != ENOENT || !last)) return fail(Kind::usage, errno, "find", path);
    if (there && S_ISLNK(info.st_mode) && (!last || follow || directory)) {
      if (links == Links::trusted && info.st_uid != 0 && info.st_uid != ::geteuid()) {
        return fail(Kind::usage, EPERM, "follow the link '" + part + "' in", path,
                    "it is another user's: name the place that it points to");
      }
      std::string target(PATH_MAX, '\0');
      const ssize_t size =
          ::readlinkat(place.parent.get(), part.c_str(), target.data(), target.size());
      if (size <= 0 || ++seen > kMostLinks)
        return fail(Kind::usage, size <= 0 ? errno : ELOOP, "follow the links of", path);
      target.resize(static_cast<std::size_t>(size));
      if (target.starts_with('/')) place.parent = NUCLEUS_TRY(begin_of(target));
      if (last) directory = directory || names_directory(target);
      std::deque<std::string> more = split(target);
      parts.insert(parts.begin(), more.begin(), more.end());
      continue;
    }
    if (!last || part == ".." || part == ".") {
      // An own step for "..": inside a container the kernel keeps it below our root.
      place.parent =
          NUCLEUS_TRY(sys::open_at(place.parent.get(), part, kDirectory, 0, "find", Kind::usage));
      if (!last) continue;
      place.name = ".";
      if (::fstat(place.parent.get(), &info) < 0) return fail(Kind::usage, errno, "find", path);
      place.found = info;
      return place;
    }
    place.name = part;
    if (there) place.found = info;
    if (there && directory && !S_ISDIR(info.st_mode))
      return fail(Kind::usage, ENOTDIR, "find the directory", path);
    return place;
  }
}

bool names_directory(const std::string& path) {
  return path.ends_with('/') || names_contents(path) || path == ".." || path.ends_with("/..");
}

bool names_contents(const std::string& path) {
  return path == "." || path.ends_with("/.") || path.find_first_not_of('/') == std::string::npos;
}

std::string base_name(const std::string& path) {
  const std::deque<std::string> parts = split(path);
  return parts.empty() ? "/" : parts.back();
}

}  // namespace nucleus::archive
