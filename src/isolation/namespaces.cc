#include "isolation/namespaces.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <charconv>

#include "sys/file.h"
#include "sys/process.h"

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

}  // namespace

std::uint64_t clone_flags(const spec::ContainerSpec& spec) {
  std::uint64_t flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (spec.userns == spec::UserNamespace::separate) flags |= CLONE_NEWUSER;
  if (spec.network == spec::NetworkMode::none) flags |= CLONE_NEWNET;
  return flags;
}

Error explain_clone_failure(int errnum) {
  std::string hint;
  if (errnum == ENOSPC || sysctl("user/max_user_namespaces") == 0) {
    hint = "a namespace limit is reached: raise the sysctls user.max_*_namespaces";
  } else if (errnum == EPERM && sysctl("kernel/unprivileged_userns_clone") == 0) {
    hint =
        "user namespaces are off for ordinary users: sysctl -w kernel.unprivileged_userns_clone=1";
  } else if (errnum == EPERM &&
             sysctl("kernel/apparmor_restrict_unprivileged_userns").value_or(0) != 0) {
    hint =
        "AppArmor restricts user namespaces: install nucleus' AppArmor profile, or sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0";
  } else if (errnum == EPERM) {
    hint = "user namespaces are forbidden here, by a chroot or by the container around us";
  } else if (errnum == ENOSYS) {
    hint = "Linux 5.15 or newer is needed, and a container around us may hide clone3 and clone";
  } else if (errnum == EAGAIN) {
    hint = sys::process_limit_hint(errnum);
  } else if (errnum == EUSERS) {
    hint = "user namespaces are nested too deep";
  }
  return fail(Kind::runtime, errnum, "create the container's namespaces", "", hint).error();
}

}  // namespace nucleus::isolation
