#include "audit/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "sys/file.h"

namespace nucleus::audit {
namespace {

const char* const kCure = "name another file with --audit-log";

Result<> check_directory(const std::string& directory) {
  struct stat info{};
  if (::stat(directory.c_str(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the audit log's directory", directory, kCure);
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return fail(
        Kind::usage, EPERM, "keep the audit log below", directory,
        "it belongs to uid " + std::to_string(info.st_uid) + ", who could replace it; " + kCure);
  }
  if ((info.st_mode & 022) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return fail(Kind::usage, EPERM, "keep the audit log below", directory,
                std::string("others can write to it: chmod go-w, or ") + kCure);
  }
  return {};
}

}  // namespace

Result<std::string> default_path() {
  if (::geteuid() == 0) return "/var/log/nucleus/audit.jsonl";
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::string(state) + "/nucleus/audit.jsonl";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/')
    return std::string(home) + "/.local/state/nucleus/audit.jsonl";
  return fail(Kind::usage, 0, "find a place for", "the audit log",
              "set HOME, or name a file with --audit-log");
}

Result<> check_place(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (path.empty() || path[0] != '/' || slash + 1 == path.size())
    return fail(Kind::usage, 0, "take for the audit log", path, "give the path of a file");
  std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  if (const auto usual = default_path(); usual && *usual == path)
    NUCLEUS_CHECK(sys::make_directories(directory, 0700));
  // Of the links on the way it matters where they lead, and where that lies.
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(directory.c_str(), nullptr),
                                                    &std::free);
  if (real == nullptr)
    return fail(Kind::runtime, errno, "find the audit log's directory", directory, kCure);
  directory = real.get();
  for (;;) {
    NUCLEUS_CHECK(check_directory(directory));
    if (directory == "/") return {};
    const std::size_t at = directory.rfind('/');
    directory.resize(at == 0 ? 1 : at);
  }
}

}  // namespace nucleus::audit
