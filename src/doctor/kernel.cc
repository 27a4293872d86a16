// The kernel's own features, asked with calls that change nothing.
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "doctor/probes.h"
#include "isolation/obstacle.h"
#include "sys/unique_fd.h"

namespace nucleus::doctor {
namespace {

constexpr const char* kFilterFix =
    "a container around us must allow it (Docker: --security-opt seccomp=unconfined)";

// `result` of a call that a kernel with the feature answers with `expected` (0: success).
Item feature(std::string id, const std::string& name, const std::string& since, long result,
             int expected) {
  const int errnum = result < 0 ? errno : 0;
  Item item{.id = std::move(id), .found = name + " (Linux " + since + ")"};
  if (errnum == expected || errnum == 0) return item;
  const bool filtered = isolation::own_status("Seccomp") == "2";
  if (errnum == ENOSYS && !filtered) {
    item.status = Status::missing;
    item.found = "no " + name + ": it came with Linux " + since;
    item.fix = "boot a newer kernel: Linux 5.15 is the oldest that nucleus runs on";
    return item;
  }
  item.status = Status::blocked;
  item.found = name + ": " + errno_text(errnum) +
               (filtered ? ", most likely by the seccomp filter on this process" : "");
  item.fix = filtered ? kFilterFix : "";
  return item;
}

Item openat2() {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const long fd = ::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
  Item item = feature("openat2", "openat2", "5.6", fd, 0);
  const sys::UniqueFd close(static_cast<int>(fd));
  return item;
}

Item pidfd() {
  const long opened = ::syscall(SYS_pidfd_open, ::getpid(), 0);
  Item item = feature("pidfd", "pidfds", "5.4", opened, 0);
  const sys::UniqueFd fd(static_cast<int>(opened));
  if (item.status != Status::ok) return item;
  return feature("pidfd", "pidfds", "5.4",
                 ::syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0), 0);
}

Item kernel() {
  utsname name{};
  ::uname(&name);
  const std::string release = name.release;
  int major = 0;
  int minor = 0;
  const char* const end = release.data() + release.size();
  const auto dot = std::from_chars(release.data(), end, major);
  if (dot.ptr != end) std::from_chars(dot.ptr + 1, end, minor);
  Item item{.id = "kernel", .found = "Linux " + release + " on " + name.machine};
  if (major < 5 || (major == 5 && minor < 15)) {
    item.status = Status::missing;
    item.found += ": 5.15 is the oldest that nucleus runs on";
    item.fix = "boot a newer kernel";
  }
  return item;
}

}  // namespace

std::vector<Item> look_at_kernel() {
  std::vector<Item> items;
  items.push_back(kernel());
  // A structure of no size: EINVAL is the kernel's own answer.
  items.push_back(feature("clone3", "clone3", "5.3", ::syscall(SYS_clone3, nullptr, 0), EINVAL));
  items.push_back(openat2());
  items.push_back(pidfd());
  // Without a filter EPERM means no more than that this caller may not mount in this namespace.
  const bool filtered = isolation::own_status("Seccomp") == "2";
  const long moved = ::syscall(SYS_move_mount, -1, "", -1, "", ~0U);
  const int expected = moved < 0 && errno == EPERM && !filtered ? EPERM : EINVAL;
  items.push_back(
      feature("mount-api", "the mount API of file descriptors", "5.2", moved, expected));
  items.push_back(feature("mount-setattr", "mount_setattr", "5.12",
                          ::syscall(SYS_mount_setattr, -1, "", 0, nullptr, 0), EINVAL));
  return items;
}

Item look_at_seccomp() {
  // Without a program: EFAULT, before anything is installed.
  Item item = feature("seccomp", "seccomp filters", "3.17",
                      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr), EFAULT);
  if (item.status != Status::ok) return item;
  const std::uint32_t notify = SECCOMP_RET_USER_NOTIF;
  const bool notifies = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) == 0;
  item.found = notifies ? "filters and user notification" : "filters, without user notification";
  const std::string count = isolation::own_status("Seccomp_filters");
  if (!count.empty() && count != "0") {
    item.found +=
        "; " + count + (count == "1" ? " filter is" : " filters are") + " on this process already";
  }
  return item;
}

Item look_at_landlock(int& abi) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  const int errnum = version < 0 ? errno : 0;
  abi = version > 0 ? static_cast<int>(version) : 0;
  Item item{.id = "landlock", .found = "ABI " + std::to_string(abi)};
  if (abi >= 6) return item;
  if (abi > 0) {
    item.status = Status::weak;
    item.found +=
        ": signals and abstract sockets are not held (ABI 6, Linux 6.12); --isolation landlock "
        "needs that";
    item.fix = "boot Linux 6.12 or newer";
    return item;
  }
  item.status = errnum == EPERM ? Status::blocked : Status::missing;
  item.found = errno_text(errnum);
  if (errnum == EOPNOTSUPP) {
    item.found = "built into the kernel and switched off at boot";
    item.fix = "add landlock to the kernel's lsm= list and boot again";
  } else if (isolation::own_status("Seccomp") == "2") {
    item.status = Status::blocked;
    item.found += ": hidden by the seccomp filter on this process, or not in this kernel";
    item.fix = kFilterFix;
  } else {
    item.found = "not in this kernel";
    item.fix = "boot a kernel with CONFIG_SECURITY_LANDLOCK (Linux 5.13 or newer)";
  }
  return item;
}

}  // namespace nucleus::doctor
