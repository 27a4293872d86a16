#include "archive/tree_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/undo.h"
#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr int kEnter = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

Result<std::string> temporary_name() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    return fail(Kind::runtime, errno, "choose", "a name");
  return ".nucleus-cp-" + std::to_string(number);
}

// One that is there already is as good, when it is a directory and not a link to one.
std::unexpected<Error> refused(int why, const std::string& shown) {
  std::string hint;
  if (why == EROFS) hint = "that place is read-only";
  if (why == ELOOP || why == ENOTDIR)
    hint = "something on its way is a link or a file, and links are not followed";
  if (why == EISDIR || why == ENOTEMPTY) hint = "there is a directory of that name";
  if (why == EBUSY) hint = "something is mounted there";
  return fail(Kind::runtime, why, "write", shown, hint);
}

Result<> set_times(int fd, const char* name, std::int64_t mtime, const std::string& shown) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = mtime, .tv_nsec = 0}};
  const int set =
      name == nullptr ? ::futimens(fd, times) : ::utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW);
  // A link's times are of no consequence, and it may be another's by now.
  if (set < 0 && name == nullptr) return fail(Kind::runtime, errno, "set the times of", shown);
  return {};
}

// Written with its holes: blocks of zeros are passed over.
Result<> write_sparsely(int fd, std::string_view bytes, const std::string& shown) {
  const bool zeros = std::ranges::all_of(bytes, [](char byte) { return byte == '\0'; });
  if (!zeros) return sys::write_all(fd, bytes, shown);
  if (::lseek(fd, static_cast<off_t>(bytes.size()), SEEK_CUR) < 0)
    return fail(Kind::runtime, errno, "write", shown);
  return {};
}

}  // namespace

Result<Landing> land(const std::string& destination, Links links, bool source_is_directory,
                     bool contents, const std::string& source_name) {
  Place place = NUCLEUS_TRY(find_place(destination, links, true));
  Landing landing;
  if (place.is_directory()) {
    landing.base = NUCLEUS_TRY(
        sys::open_at(place.parent.get(), place.name, kEnter, 0, "open the directory", Kind::usage));
    landing.root = contents ? "" : source_name;
    return landing;
  }
  if (place.found && source_is_directory)
    return fail(Kind::usage, ENOTDIR, "copy a directory onto", destination, "it is a file");
  if (!place.found && names_directory(destination) && !source_is_directory)
    return fail(Kind::usage, ENOENT, "copy into the directory", destination, "make it first");
  landing.base = NUCLEUS_TRY(
      sys::open_at(place.parent.get(), ".", kEnter, 0, "open the directory", Kind::usage));
  landing.root = place.name;
  return landing;
}

Result<TreeWriter::Parts> TreeWriter::parts_of(const std::string& path, bool strip) const {
  Parts parts;
  if (strip && !landing_.root.empty()) parts.push_back(landing_.root);
  bool first = strip;
  for (const auto range : std::views::split(path, '/')) {
    std::string part(range.begin(), range.end());
    if (std::exchange(first, false) || part.empty() || part == ".") continue;
    if (part == "..")
      return fail(Kind::usage, 0, "write", path, "an archive must not lead out by '..'");
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<sys::UniqueFd> TreeWriter::parent_of(const Parts& parts, const std::string& shown) {
  sys::UniqueFd at(::fcntl(landing_.base.get(), F_DUPFD_CLOEXEC, 3));
  for (std::size_t index = 0; index + 1 < parts.size(); ++index) {
    const char* const name = parts[index].c_str();
    int next = ::openat(at.get(), name, kEnter);
    if (next < 0 && errno == ENOENT && ::mkdirat(at.get(), name, 0755) == 0)
      next = ::openat(at.get(), name, kEnter);
    if (next < 0) return refused(errno, shown);
    at.reset(next);
  }
  return at;
}

std::uint32_t TreeWriter::mode_of(const Entry& entry) const {
  if (entry.kind == EntryKind::directory) return entry.mode & 01777U;
  return entry.mode & (options_.keep_set_id ? 06777U : 0777U);
}

Result<> TreeWriter::own(int fd, const Entry& entry) const {
  if (options_.keep_owner && ::fchown(fd, entry.uid, entry.gid) < 0) {
    const std::string ids = std::to_string(entry.uid) + ":" + std::to_string(entry.gid);
    return fail(Kind::runtime, errno, "give to " + ids, entry.path,
                errno == EINVAL ? "the container has no such id: leave --archive out"
                                : "leave --archive out");
  }
  if (::fchmod(fd, mode_of(entry)) < 0)
    return fail(Kind::runtime, errno, "set the mode of", entry.path);
  return {};
}

Result<> TreeWriter::directory(int parent, const std::string& name, const Entry& entry,
                               const Parts& parts) {
  if (::mkdirat(parent, name.c_str(), 0700) == 0) {
    made_.push_back({.parts = parts, .entry = entry});
    return {};
  }
  if (errno != EEXIST) return refused(errno, entry.path);
  const sys::UniqueFd there(::openat(parent, name.c_str(), kEnter));
  return there.valid() ? Result<>() : refused(errno, entry.path);
}

Result<> TreeWriter::file(int parent, const std::string& name, const Entry& entry,
                          TarReader& reader) {
  const std::string temporary = NUCLEUS_TRY(temporary_name());
  const sys::UniqueFd fd(::openat(parent, temporary.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return refused(errno, entry.path);
  Undo undo;
  undo.push([&] { ::unlinkat(parent, temporary.c_str(), 0); });
  for (;;) {
    const std::string_view bytes = NUCLEUS_TRY(reader.data());
    if (bytes.empty()) break;
    NUCLEUS_CHECK(write_sparsely(fd.get(), bytes, entry.path));
  }
  if (::ftruncate(fd.get(), static_cast<off_t>(entry.size)) < 0)
    return fail(Kind::runtime, errno, "write", entry.path);
  NUCLEUS_CHECK(own(fd.get(), entry));
  NUCLEUS_CHECK(set_times(fd.get(), nullptr, entry.mtime, entry.path));
  if (::renameat(parent, temporary.c_str(), parent, name.c_str()) < 0)
    return refused(errno, entry.path);
  undo.dismiss();
  return {};
}

Result<> TreeWriter::link(int parent, const std::string& name, const Entry& entry) {
  const std::string temporary = NUCLEUS_TRY(temporary_name());
  if (::symlinkat(entry.link.c_str(), parent, temporary.c_str()) < 0)
    return refused(errno, entry.path);
  Undo undo;
  undo.push([&] { ::unlinkat(parent, temporary.c_str(), 0); });
  if (options_.keep_owner &&
      ::fchownat(parent, temporary.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(Kind::runtime, errno, "change the owner of", entry.path, "leave --archive out");
  NUCLEUS_CHECK(set_times(parent, temporary.c_str(), entry.mtime, entry.path));
  if (::renameat(parent, temporary.c_str(), parent, name.c_str()) < 0)
    return refused(errno, entry.path);
  undo.dismiss();
  return {};
}

Result<> TreeWriter::hardlink(int parent, const std::string& name, const Entry& entry, bool strip) {
  const Parts target = NUCLEUS_TRY(parts_of(entry.link, strip));
  if (target.empty()) return refused(EISDIR, entry.path);
  const sys::UniqueFd from = NUCLEUS_TRY(parent_of(target, entry.link));
  const std::string temporary = NUCLEUS_TRY(temporary_name());
  if (::linkat(from.get(), target.back().c_str(), parent, temporary.c_str(), 0) < 0)
    return refused(errno, entry.path);
  const int renamed = ::renameat(parent, temporary.c_str(), parent, name.c_str());
  const int why = errno;
  // Also where both were the same file already, and nothing was renamed: rename(2).
  ::unlinkat(parent, temporary.c_str(), 0);
  return renamed < 0 ? refused(why, entry.path) : Result<>();
}

Result<> TreeWriter::take(const Entry& entry, TarReader& reader, bool strip) {
  const Parts parts = NUCLEUS_TRY(parts_of(entry.path, strip));
  if (entry.kind == EntryKind::other) {
    notes_.add(entry.path + " (neither file, directory nor link)");
    return {};
  }
  if (parts.empty()) {
    // The base itself, which stays as it is.
    if (entry.kind == EntryKind::directory) return {};
    return fail(Kind::usage, EISDIR, "write", entry.path);
  }
  const sys::UniqueFd parent = NUCLEUS_TRY(parent_of(parts, entry.path));
  switch (entry.kind) {
    case EntryKind::directory: return directory(parent.get(), parts.back(), entry, parts);
    case EntryKind::file: return file(parent.get(), parts.back(), entry, reader);
    case EntryKind::symlink: return link(parent.get(), parts.back(), entry);
    case EntryKind::hardlink: return hardlink(parent.get(), parts.back(), entry, strip);
    case EntryKind::other: break;
  }
  return {};
}

// Innermost first: a mode may forbid its owner what is still to be done below.
Result<> TreeWriter::finish() {
  for (const Made& made : std::views::reverse(made_)) {
    const sys::UniqueFd parent = NUCLEUS_TRY(parent_of(made.parts, made.entry.path));
    const sys::UniqueFd fd(::openat(parent.get(), made.parts.back().c_str(), kEnter));
    if (!fd.valid()) return refused(errno, made.entry.path);
    NUCLEUS_CHECK(own(fd.get(), made.entry));
    NUCLEUS_CHECK(set_times(fd.get(), nullptr, made.entry.mtime, made.entry.path));
  }
  return {};
}

}  // namespace nucleus::archive
