#include "faults/tolerated.h"

#include <linux/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace nucleus::test {
namespace {

bool one_of(long number, std::initializer_list<long> numbers) {
  return std::ranges::find(numbers, number) != numbers.end();
}

const char* in_child(const Call& call, int errnum) {
  switch (call.number) {
    case SYS_keyctl: return errnum == ENOSYS ? "no keyrings, none to leak" : nullptr;
    case SYS_openat2: return errnum == ENOSYS ? "walks by itself" : nullptr;
    case SYS_close_range: return errnum == ENOSYS ? "marks by /proc/self/fd" : nullptr;
    case SYS_statx: return "a stream is only not to be opened again";
    case SYS_fcntl: return "a stream is only not to be opened again";
    case SYS_landlock_add_rule: return "a stream is only not to be opened again";
    // A container around us that hides parts of /sys makes the kernel refuse a whole one.
    case SYS_fsopen:
    case SYS_fsconfig:
    case SYS_fsmount:
    case SYS_move_mount: return errnum == EPERM ? "no sysfs" : nullptr;
    default: return nullptr;
  }
}

const char* in_init(const Call& call) {
  switch (call.number) {
    case SYS_prctl: return call.args[0] == PR_SET_NAME ? "a name for ps(1)" : nullptr;
    case SYS_rt_sigtimedwait: return "asked again";
    case SYS_recvfrom: return "the layers are read back a little late";
    case SYS_write: return "the exit code says it too";
    default: return nullptr;
  }
}

}  // namespace

bool cannot_fail(const Call& call) {
  return one_of(call.number, {SYS_exit_group, SYS_umask, SYS_getpid, SYS_geteuid, SYS_getegid,
                              SYS_munmap, SYS_rt_sigreturn});
}

bool is_restartable(const Call& call) {
  return one_of(call.number,
                {SYS_read, SYS_write, SYS_recvmsg, SYS_sendmsg, SYS_sendto, SYS_recvfrom, SYS_ppoll,
                 SYS_waitid, SYS_wait4, SYS_flock, SYS_openat2, SYS_rt_sigtimedwait, SYS_getrandom
#ifdef SYS_poll
                 ,
                 SYS_poll
#endif
                });
}

const char* why_tolerated(const Call& call, int errnum) {
  if (errnum == EINTR) return "made again";
  if (call.number == SYS_close) return "closed all the same";
  switch (call.part) {
    case Part::nucleus: return "what it reports is compared";
    case Part::copier:
    case Part::spawn: return "what it reports is compared";
    case Part::child: return in_child(call, errnum);
    case Part::init: return in_init(call);
    default: return nullptr;
  }
}

}  // namespace nucleus::test
