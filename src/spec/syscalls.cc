#include "spec/syscalls.h"

#include <asm/unistd.h>

#include <algorithm>

namespace nucleus::spec {
namespace {

#define CALL(name) \
  OptionalCall { #name, __NR_##name }

constexpr OptionalCall kOptional[] = {
    CALL(add_key),
    CALL(fanotify_init),
    CALL(fanotify_mark),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(io_uring_setup),
    CALL(kcmp),
    CALL(keyctl),
    CALL(migrate_pages),
#if defined(__x86_64__)
    CALL(modify_ldt),
#endif
    CALL(move_pages),
    CALL(name_to_handle_at),
    CALL(perf_event_open),
    CALL(pidfd_getfd),
    CALL(process_mrelease),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(ptrace),
    CALL(request_key),
#if defined(__x86_64__)
    CALL(sysfs),
#endif
    CALL(userfaultfd),
#if defined(__x86_64__)
    CALL(ustat),
#endif
};

#undef CALL

struct Reason {
  std::string_view why;
  std::string_view names;  // each between spaces
};

constexpr Reason kReasons[] = {
    {"it changes mounts, which only nucleus does",
     " mount umount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick "
     "mount_setattr swapon swapoff quotactl quotactl_fd open_by_handle_at "},
    {"with it a program makes or enters namespaces, and gains every capability in them",
     " setns unshare clone clone3 "},
    {"it loads code into the kernel",
     " init_module finit_module delete_module kexec_load kexec_file_load bpf "},
    {"it works on the host itself, and needs a capability that no container holds",
     " reboot settimeofday clock_settime clock_adjtime adjtimex stime syslog acct vhangup iopl "
     "ioperm "
     "sethostname setdomainname lookup_dcookie nfsservctl uselib "},
    {"families of sockets are no single calls: --network chooses what can be reached", " socket "},
};

}  // namespace

std::span<const OptionalCall> optional_calls() { return kOptional; }

std::optional<int> optional_call(std::string_view name) {
  const auto found = std::ranges::find(kOptional, name, &OptionalCall::name);
  if (found == std::end(kOptional)) return std::nullopt;
  return found->number;
}

std::string why_not_allowed(std::string_view name) {
  const std::string padded = " " + std::string(name) + " ";
  for (const Reason& reason : kReasons) {
    if (reason.names.find(padded) != std::string_view::npos) return std::string(reason.why);
  }
  std::string list = "it is allowed already, or none that is known; these can be allowed:";
  for (const OptionalCall& call : kOptional) list.append(" ").append(call.name);
  return list;
}

}  // namespace nucleus::spec
