#include "isolation/obstacle.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "sys/file.h"

namespace nucleus::isolation {
namespace {

// The number in a sysctl file; nothing when the kernel does not have that switch.
std::optional<long> sysctl(const std::string& path) {
  const auto text = sys::read_file_at(AT_FDCWD, "/proc/sys/" + path);
  long value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

std::vector<std::string> set(const std::string& name, long value) {
  return {"sysctl", "-w", name + "=" + std::to_string(value)};
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

Obstacle by_command(std::string what, std::vector<std::string> command) {
  std::string cure = joined(command);
  return {.what = std::move(what), .cure = std::move(cure), .command = std::move(command)};
}

Obstacle limit_reached() {
  for (const char* const kind : {"user", "pid", "mnt", "net", "uts", "ipc", "cgroup"}) {
    const std::string name = std::string("max_") + kind + "_namespaces";
    if (sysctl("user/" + name) == 0)
      return by_command("the sysctl user." + name + " is 0", set("user." + name, 15'000));
  }
  const long now = sysctl("user/max_user_namespaces").value_or(0);
  return {
      .what = "a namespace limit is reached (sysctls user.max_*_namespaces)",
      .cure = "sysctl -w user.max_user_namespaces=" + std::to_string(std::max(15'000L, 2 * now)) +
              ", and the same for the kind that is used up"};
}

Obstacle not_permitted() {
  // The order is the kernel's: a filter sees the call before anything else does.
  if (filter_hides_clone3() || filter_refuses_user_namespaces()) {
    return {.what =
                "a seccomp filter on this process refuses user namespaces: a container's "
                "around us, or a service's",
            .cure =
                "a container around us must allow them (Docker: --security-opt "
                "seccomp=unconfined), a service must not have RestrictNamespaces="};
  }
  if (::geteuid() != 0 && sysctl("kernel/unprivileged_userns_clone") == 0) {
    return by_command(
        "user namespaces are off for ordinary users (the sysctl "
        "kernel.unprivileged_userns_clone is 0)",
        set("kernel.unprivileged_userns_clone", 1));
  }
  if (in_chroot()) {
    return {.what = "we are in a chroot, where the kernel makes no user namespaces",
            .cure = "leave the chroot, or enter the directory with pivot_root(2) instead"};
  }
  if (::geteuid() != 0 && sysctl("kernel/apparmor_restrict_unprivileged_userns").value_or(0) != 0) {
    return by_command(
        "AppArmor restricts user namespaces of ordinary users (the sysctl "
        "kernel.apparmor_restrict_unprivileged_userns is on)",
        set("kernel.apparmor_restrict_unprivileged_userns", 0));
  }
  if (own_status("Seccomp") == "2") {
    return {.what =
                "user namespaces are forbidden here, by the container around us: a seccomp "
                "filter is on this process (Seccomp: 2)",
            .cure = "that container must allow them (Docker: --security-opt seccomp=unconfined)"};
  }
  return {.what =
              "user namespaces are forbidden here, for a reason that cannot be seen: a chroot, "
              "a security module, or a container around us",
          .cure = "look into the kernel's log: dmesg"};
}

}  // namespace

std::string own_status(const std::string& name) {
  const auto text = sys::read_file_at(AT_FDCWD, "/proc/self/status");
  if (!text) return {};
  const std::string key = "\n" + name + ":\t";
  const std::size_t found = text->find(key);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + key.size();
  return text->substr(begin, text->find('\n', begin) - begin);
}

bool filter_hides_clone3() {
  return ::syscall(SYS_clone3, nullptr, 0) < 0 && errno != EINVAL && errno != EFAULT;
}

bool filter_refuses_user_namespaces() {
  // No flag has this bit: unshare(2) answers EINVAL before it looks at who asks.
  constexpr long kNoFlag = 0x1;
  return ::syscall(SYS_unshare, CLONE_NEWUSER | kNoFlag) < 0 && errno != EINVAL;
}

bool in_chroot() {
  const auto mounts = sys::read_file_at(AT_FDCWD, "/proc/self/mountinfo", 16U << 20);
  if (!mounts || mounts->empty()) return false;
  // proc(5): only mounts below our root are listed, by their places as seen from it; the fifth
  // field. A mount namespace's own root is always a mount.
  std::string_view rest = *mounts;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    for (int field = 0; field < 4; ++field) {
      const std::size_t space = line.find(' ');
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    }
    if (line.starts_with("/ ")) return false;
  }
  return true;
}

Obstacle namespace_obstacle(int errnum) {
  switch (errnum) {
    case ENOSPC: return limit_reached();
    case EAGAIN:
      return {.what = "the caller's limit of processes is reached",
              .cure = "raise ulimit -u, or the pids limit of the cgroup"};
    case EUSERS:
      return {.what = "user namespaces are nested too deep", .cure = "start one level higher"};
    case EINVAL:
      return {.what = "this kernel was built without a kind of namespace",
              .cure =
                  "use a kernel with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, "
                  "CONFIG_IPC_NS, CONFIG_UTS_NS and CONFIG_CGROUPS"};
    case ENOSYS:
      return {.what = own_status("Seccomp") == "2"
                          ? "a seccomp filter on this process hides clone3: a container's around us"
                          : "this kernel has no clone3",
              .cure =
                  "Linux 5.15 or newer is needed, and a container around us must allow clone3 "
                  "(Docker: --security-opt seccomp=unconfined)"};
    default: return not_permitted();
  }
}

}  // namespace nucleus::isolation
