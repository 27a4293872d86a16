#include "filesystem/host_view.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

namespace nucleus::filesystem {
namespace {

// Nothing here identifies the host or its users, and nothing holds a secret: /etc/ssl/private,
// shadow, machine-id, ssh and the like are left out by not being in the list.
constexpr const char* kEtc[] = {
    "alternatives",    "ld.so.cache",     "ld.so.conf",      "ld.so.conf.d",  "localtime",
    "timezone",        "nsswitch.conf",   "protocols",       "services",      "mime.types",
    "ssl/certs",       "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust",
    "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "perl",          "python3",
    "python3.11",      "python3.13",      "fonts",           "terminfo",      "magic",
    "crypto-policies",
};
constexpr const char* kTop[] = {"usr",   "bin",    "sbin",      "lib",      "lib32",
                                "lib64", "libx32", "nix/store", "gnu/store"};
constexpr const char* kHidden[] = {
    "proc/acpi",       "proc/asound",
    "proc/interrupts", "proc/kcore",
    "proc/keys",       "proc/latency_stats",
    "proc/timer_list", "proc/sched_debug",
    "proc/scsi",       "proc/kallsyms",
    "proc/kpagecount", "proc/kpageflags",
    "sys/firmware",    "sys/devices/virtual/powercap",
};
constexpr const char* kReadOnly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                     "proc/sysrq-trigger"};

}  // namespace

HostView read_host_view(bool wants_resolver) {
  HostView view;
  struct stat info{};
  for (const char* name : kTop) {
    const std::string path = std::string("/") + name;
    if (::lstat(path.c_str(), &info) < 0) continue;
    if (S_ISLNK(info.st_mode)) {
      char text[256];
      const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
      if (size <= 0) continue;
      std::string link(text, static_cast<std::size_t>(size));
      // An absolute link into /usr works as well inside; one to elsewhere would dangle.
      view.links.emplace_back(name, std::move(link));
    } else if (S_ISDIR(info.st_mode)) {
      view.directories.emplace_back(name);
    }
  }
  for (const char* name : kEtc) {
    if (::access((std::string("/etc/") + name).c_str(), F_OK) == 0) view.etc.emplace_back(name);
  }
  for (const char* name : kHidden) {
    if (::lstat((std::string("/") + name).c_str(), &info) < 0) continue;
    (S_ISDIR(info.st_mode) ? view.hidden_directories : view.hidden_files).emplace_back(name);
  }
  for (const char* name : kReadOnly) {
    if (::access((std::string("/") + name).c_str(), F_OK) == 0) view.read_only.emplace_back(name);
  }
  if (wants_resolver) {
    if (auto text = sys::read_file_at(AT_FDCWD, "/etc/resolv.conf"))
      view.resolv_conf = std::move(*text);
  }
  return view;
}

}  // namespace nucleus::filesystem
