#include "audit/log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit/place.h"
#include "base/sha256.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::audit {
namespace {

Result<> check_file(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail(Kind::runtime, errno, "look at the audit log", path);
  const auto refuse = [&](const std::string& why) {
    return fail(Kind::usage, EPERM, "trust the audit log", path, why);
  };
  if (!S_ISREG(info.st_mode)) return refuse("it is no regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return refuse("it belongs to uid " + std::to_string(info.st_uid) + ": chown it");
  if ((info.st_mode & 022) != 0) return refuse("others can write to it: chmod go-w");
  if (info.st_nlink > 1) return refuse("it has a second name: remove that");
  return {};
}

bool is_at(int fd, const std::string& path) {
  struct stat here{};
  struct stat there{};
  return ::fstat(fd, &here) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

Result<> lock(int fd, const std::string& path) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
    ::usleep(1000);
  }
  return fail(Kind::runtime, EWOULDBLOCK, "lock the audit log", path,
              "another process holds its lock: lslocks shows which");
}

// With its lock, and the one that is at this path now: between the two it may have been moved away.
Result<sys::UniqueFd> open_locked(const std::string& path) {
  for (;;) {
    auto file = NUCLEUS_TRY(sys::open_at(
        AT_FDCWD, path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600,
        "open the audit log"));
    NUCLEUS_CHECK(check_file(file.get(), path));
    NUCLEUS_CHECK(lock(file.get(), path));
    if (is_at(file.get(), path)) return file;
  }
}

struct Tail {
  Link link;          // of the last whole line
  std::string torn;   // what a crash has left behind it
  bool open = false;  // only the line's end is missing
  off_t size = 0;
};

Result<std::string> read_end(int fd, off_t size, const std::string& path) {
  std::string text(static_cast<std::size_t>(std::min<off_t>(size, 2 * kMostLineBytes)), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::pread(fd, text.data() + done, text.size() - done,
                                size - static_cast<off_t>(text.size() - done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Kind::runtime, got < 0 ? errno : EIO, "read the audit log", path);
    done += static_cast<std::size_t>(got);
  }
  return text;
}

Result<Tail> read_tail(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail(Kind::runtime, errno, "look at the audit log", path);
  Tail tail;
  tail.size = info.st_size;
  std::string text = NUCLEUS_TRY(read_end(fd, info.st_size, path));
  const std::size_t end = text.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  tail.torn = text.substr(whole);
  const auto broken = [&] {
    return fail(
        Kind::runtime, EBADMSG, "go on with the audit log", path,
        "its last line is not as nucleus wrote it: see nucleus audit verify, keep the file, "
        "and move it out of the way");
  };
  if (tail.torn.size() >= kMostLineBytes) return broken();
  if (const auto line = read_line(tail.torn)) {
    tail.link = line->link;
    tail.torn.clear();
    tail.open = true;
    return tail;
  }
  if (whole == 0) return tail;
  text.resize(whole - 1);
  const std::size_t before = text.rfind('\n');
  const auto line =
      read_line(std::string_view(text).substr(before == std::string::npos ? 0 : before + 1));
  if (!line) return broken();
  tail.link = line->link;
  return tail;
}

Event recovered(const Event& event, const std::string& torn) {
  Sha256 sha;
  sha.add(torn);
  return {.event = "recovered",
          .id = event.id,
          .name = event.name,
          .actor = event.actor,
          .details = {{"torn_bytes", std::to_string(torn.size())}, {"torn_sha256", sha.finish()}}};
}

}  // namespace

Result<Log> Log::open(std::string path) {
  NUCLEUS_CHECK(check_place(path));
  (void)NUCLEUS_TRY(open_locked(path));
  return Log(std::move(path));
}

Result<> Log::check(const std::string& path) {
  NUCLEUS_CHECK(check_place(path));
  const auto file =
      sys::open_at(AT_FDCWD, path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0,
                   "open the audit log");
  if (file) return check_file(file->get(), path);
  if (file.error().errnum != ENOENT) return std::unexpected(file.error());
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return fail(Kind::runtime, errno, "make the audit log in", directory);
}

Result<Link> Log::append(const Event& event) const {
  const auto file = NUCLEUS_TRY(open_locked(path_));
  const Tail tail = NUCLEUS_TRY(read_tail(file.get(), path_));
  const std::string time = now_text();
  Link before = tail.link;
  Link link;
  std::string text = tail.open || !tail.torn.empty() ? "\n" : "";
  if (!tail.torn.empty()) {
    text += line_of(recovered(event, tail.torn), time, before, link);
    before = link;
  }
  text += line_of(event, time, before, link);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  int why = written < 0 ? errno : ENOSPC;
  if (written == static_cast<ssize_t>(text.size())) {
    if (::fdatasync(file.get()) == 0) return link;
    why = errno;
  }
  (void)!::ftruncate(file.get(), tail.size);
  return fail(Kind::runtime, why, "write the audit log", path_);
}

}  // namespace nucleus::audit
