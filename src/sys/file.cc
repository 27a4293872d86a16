#include "sys/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "sys/in_root.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace nucleus::sys {

Result<UniqueFd> open_at(int directory, const std::string& path, int flags, mode_t mode,
                         std::string op, Kind kind) {
  for (;;) {
    const int fd = ::openat(directory, path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return UniqueFd(fd);
    if (errno != EINTR) return fail(kind, errno, std::move(op), path);
  }
}

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags, std::string op) {
  const long fd = open_in_root_raw(root, path.c_str(), flags);
  if (fd < 0) return fail(Kind::runtime, static_cast<int>(-fd), std::move(op), path);
  return UniqueFd(static_cast<int>(fd));
}

Result<std::string> read_file_at(int directory, const std::string& path, std::size_t limit) {
  const UniqueFd fd = NUCLEUS_TRY(open_at(directory, path, O_RDONLY, 0, "read"));
  return read_all(fd.get(), path, limit);
}

Result<std::string> read_all(int fd, const std::string& subject, std::size_t limit) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(Kind::runtime, errno, "read", subject);
    }
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limit) {
      return fail(Kind::runtime, EFBIG, "read", subject,
                  "it has more than " + std::to_string(limit) + " bytes");
    }
  }
}

Result<> write_file_at(int directory, const std::string& path, std::string_view text) {
  const UniqueFd fd = NUCLEUS_TRY(open_at(directory, path, O_WRONLY | O_NOFOLLOW, 0, "write"));
  for (;;) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put == static_cast<ssize_t>(text.size())) return {};
    if (put < 0 && errno == EINTR) continue;
    return fail(Kind::runtime, put < 0 ? errno : EIO, "write '" + std::string(text) + "' to", path);
  }
}

Result<> write_all(int fd, std::string_view bytes, const std::string& subject) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      return fail(Kind::runtime, errno, "write", subject);
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<UniqueFd> sealed_memfd(const char* name, std::string_view bytes) {
  // MFD_EXEC silences the kernel's warning (6.3) and is unknown before: EINVAL means "older", not
  // "refused".
  int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return fail(Kind::runtime, errno, "make an anonymous file", name);
  UniqueFd file(fd);
  NUCLEUS_CHECK(write_all(file.get(), bytes, name));
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) <
      0) {
    return fail(Kind::runtime, errno, "seal the anonymous file", name);
  }
  return file;
}

Result<UniqueFd> copy_above(int fd, int lowest) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
  if (!copy.valid()) return fail(Kind::runtime, errno, "copy", "a descriptor");
  return copy;
}

Result<> make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) < 0 && errno != EEXIST) {
      return fail(Kind::runtime, errno, "create the directory", part);
    }
    if (at != std::string::npos) ++at;
  }
  return {};
}

}  // namespace nucleus::sys
