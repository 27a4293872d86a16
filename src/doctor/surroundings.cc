// What is around this process: security modules, a container, a filter.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "doctor/probes.h"
#include "isolation/obstacle.h"
#include "sys/file.h"

namespace nucleus::doctor {
namespace {

std::string line_of(const std::string& path) {
  std::string text = sys::read_file_at(AT_FDCWD, path).value_or("");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

Item modules() {
  Item item{.id = "security-modules", .found = ""};
  const std::string list = line_of("/sys/kernel/security/lsm");
  const std::string label = line_of("/proc/self/attr/current");
  if (list.empty()) {
    item.status = Status::weak;
    item.found = "cannot be seen: securityfs is not mounted here";
    item.fix = "mount -t securityfs none /sys/kernel/security";
  } else {
    item.found = list;
  }
  if (!label.empty()) item.found += "; this process is confined as " + label;
  return item;
}

bool exists(const char* path) {
  struct stat info{};
  return ::lstat(path, &info) == 0;
}

bool namespace_is_first(const char* name, const char* number) {
  char text[64] = {};
  const ssize_t size =
      ::readlink((std::string("/proc/self/ns/") + name).c_str(), text, sizeof text - 1);
  return size <= 0 || std::string_view(text).find(number) != std::string_view::npos;
}

// The init of a nucleus container names itself, and is held as the workload is.
bool in_own_container() {
  const auto status = sys::read_file_at(AT_FDCWD, "/proc/1/status");
  return status && status->starts_with("Name:\tinit\n") &&
         status->find("\nNoNewPrivs:\t1\n") != std::string::npos &&
         status->find("\nSeccomp:\t2\n") != std::string::npos;
}

Item container() {
  std::string signs;
  const auto sign = [&](const std::string& text) { signs += (signs.empty() ? "" : ", ") + text; };
  if (exists("/.dockerenv")) sign("Docker's /.dockerenv");
  if (exists("/run/.containerenv")) sign("Podman's /run/.containerenv");
  if (const char* const kind = std::getenv("container"); kind != nullptr && *kind != '\0')
    sign(std::string("the variable container=") + kind);
  if (in_own_container()) sign("an init of nucleus' own as PID 1");
  // proc_ns.h of the kernel: the first namespaces have fixed numbers.
  if (!namespace_is_first("pid", "[4026531836]")) sign("a pid namespace of its own");
  if (!namespace_is_first("user", "[4026531837]")) sign("a user namespace of its own");
  if (isolation::in_chroot()) sign("a chroot");
  Item item{.id = "container", .found = "none around us that can be seen"};
  if (signs.empty()) return item;
  item.status = Status::weak;
  item.found = "signs of one around us: " + signs;
  return item;
}

Item filter() {
  const std::string mode = isolation::own_status("Seccomp");
  const bool gains = isolation::own_status("NoNewPrivs") != "1";
  Item item{.id = "restrictions", .found = "no seccomp filter, no no_new_privs on this process"};
  if (mode.empty()) {
    item.status = Status::weak;
    item.found = "cannot be seen: there is no /proc";
    return item;
  }
  if (mode == "0" && gains) return item;
  item.status = Status::weak;
  item.found = std::string(mode == "2" ? "a seccomp filter is on this process"
                                       : "no seccomp filter on this process") +
               (gains ? "" : ", and no_new_privs");
  if (mode == "2" && isolation::filter_refuses_user_namespaces())
    item.found += "; the filter refuses user namespaces";
  return item;
}

}  // namespace

std::vector<Item> look_around() { return {modules(), container(), filter()}; }

}  // namespace nucleus::doctor
