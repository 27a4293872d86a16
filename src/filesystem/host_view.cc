#include "filesystem/host_view.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"

namespace nucleus::filesystem {
namespace {

constexpr const char* kTop[] = {"usr",   "bin",    "sbin",      "lib",      "lib32",
                                "lib64", "libx32", "nix/store", "gnu/store"};

struct Found {
  bool there = false;
  std::string link = {};  // its text, when it is a symbolic link
};

// One call tells a link from what is no link from nothing.
Found look(const std::string& path) {
  char text[256];
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  if (size < 0) return {.there = errno == EINVAL};
  const auto length = static_cast<std::size_t>(size);
  // A link that does not fit is one that no distribution makes.
  if (length == 0 || length == sizeof text) return {};
  return {.there = true, .link = std::string(text, length)};
}

}  // namespace

HostView read_host_view(bool wants_resolver) {
  HostView view;
  for (const char* name : kTop) {
    Found found = look(std::string("/") + name);
    if (!found.there) continue;
    if (found.link.empty()) {
      view.directories.emplace_back(name);
    } else {
      // An absolute link into /usr works as well inside; one to elsewhere would dangle.
      view.links.emplace_back(name, std::move(found.link));
    }
  }
  view.localtime = look("/etc/localtime").link;
  if (wants_resolver) {
    if (auto text = sys::read_file_at(AT_FDCWD, "/etc/resolv.conf"))
      view.resolv_conf = std::move(*text);
  }
  return view;
}

}  // namespace nucleus::filesystem
