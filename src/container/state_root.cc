#include "container/state_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "sys/file.h"

namespace nucleus::container {
namespace {

bool is_own_directory(const std::string& path, std::uint32_t uid) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == uid;
}

std::string choose(const isolation::Caller& caller) {
  if (caller.uid == 0) return "/run/nucleus";
  // The variable survives su and sudo: it counts only when it names a directory of the caller's.
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/' && is_own_directory(runtime, caller.uid)) {
    return std::string(runtime) + "/nucleus";
  }
  return "/tmp/nucleus-" + std::to_string(caller.uid);
}

Result<std::string> path_of(const std::optional<std::string>& asked,
                            const isolation::Caller& caller) {
  std::string path = asked ? *asked : choose(caller);
  if (path.empty() || path.front() != '/') {
    return fail(Kind::usage, 0, "take this value for --root", path, "give an absolute path");
  }
  return path;
}

// Who can write here can make us kill processes and remove directories of their choice.
Result<> check(const std::string& path, std::uint32_t uid) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the state directory", path);
  const char* const cure = "remove it, or name another by --root DIR";
  if (!S_ISDIR(info.st_mode))
    return fail(Kind::runtime, ENOTDIR, "use the state directory", path, cure);
  if (info.st_uid != uid) {
    return fail(Kind::runtime, EPERM, "use the state directory", path,
                "it belongs to uid " + std::to_string(info.st_uid) + "; " + cure);
  }
  if ((info.st_mode & 022) != 0) {
    return fail(Kind::runtime, EPERM, "use the state directory", path,
                "others may write to it; chmod 700 it");
  }
  return {};
}

}  // namespace

isolation::Caller read_caller() {
  isolation::Caller caller{.uid = ::geteuid(), .gid = ::getegid(), .user_name = {}};
  if (caller.uid == 0) return caller;  // root's ranges are not looked up by name
  const auto passwd = sys::read_file_at(AT_FDCWD, "/etc/passwd", 16U << 20);
  if (!passwd) return caller;
  const std::string number = std::to_string(caller.uid);
  for (std::size_t at = 0; at < passwd->size();) {
    const std::size_t end = std::min(passwd->find('\n', at), passwd->size());
    const std::string line = passwd->substr(at, end - at);
    at = end + 1;
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(second + 1, line.find(':', second + 1) - second - 1) != number) continue;
    caller.user_name = line.substr(0, first);
    break;
  }
  return caller;
}

Result<std::string> find_state_root(const std::optional<std::string>& asked,
                                    const isolation::Caller& caller) {
  std::string path = NUCLEUS_TRY(path_of(asked, caller));
  std::string existing = path;
  struct stat info{};
  while (existing.size() > 1 && ::lstat(existing.c_str(), &info) < 0) {
    if (errno != ENOENT) return fail(Kind::runtime, errno, "look at", existing);
    existing.resize(std::max<std::size_t>(existing.rfind('/'), 1));
  }
  if (existing == path) NUCLEUS_CHECK(check(path, caller.uid));
  if (::access(existing.c_str(), W_OK | X_OK) < 0) {
    return fail(Kind::runtime, errno, "write to the state directory", existing,
                "name one that you may write to by --root DIR");
  }
  return path;
}

Result<std::string> open_state_root(const std::optional<std::string>& asked,
                                    const isolation::Caller& caller) {
  std::string path = NUCLEUS_TRY(path_of(asked, caller));
  if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) {
    if (errno != ENOENT) {
      return fail(Kind::runtime, errno, "create the state directory", path,
                  "name one that you may write to by --root DIR");
    }
    NUCLEUS_CHECK(sys::make_directories(path, 0700));
  }
  NUCLEUS_CHECK(check(path, caller.uid));
  for (const char* part : {"/state", "/by-name"}) {
    if (::mkdir((path + part).c_str(), 0700) < 0 && errno != EEXIST) {
      return fail(Kind::runtime, errno, "create the state directory", path + part);
    }
  }
  return path;
}

}  // namespace nucleus::container
