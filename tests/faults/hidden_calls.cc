#include "faults/hidden_calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace nucleus::test {
namespace {

constexpr std::size_t kMostCalls = 6;

struct Group {
  const char* name;
  unsigned calls[kMostCalls];  // ended by 0, which is read(2): nobody hides that
};

constexpr Group kGroups[] = {
    {"openat2", {SYS_openat2}},
    {"clone3", {SYS_clone3}},
    {"pidfd", {SYS_pidfd_open, SYS_pidfd_send_signal}},
    {"close_range", {SYS_close_range}},
    {"older", {SYS_openat2, SYS_clone3, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_close_range}},
    {"landlock", {SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self}},
    {"mounts",
     {SYS_fsopen, SYS_fsmount, SYS_fsconfig, SYS_open_tree, SYS_move_mount, SYS_mount_setattr}},
    {"mount_setattr", {SYS_mount_setattr}},
};

}  // namespace

bool hide_calls(const char* group) {
  for (const Group& each : kGroups) {
    if (std::strcmp(each.name, group) != 0) continue;
    // The numbers of native calls: those of another architecture mean something else, and nothing
    // of another architecture runs here.
    sock_filter program[2 * kMostCalls + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    unsigned short size = 1;
    for (const unsigned call : each.calls) {
      if (call == 0) continue;
      program[size++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
      program[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    program[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    sock_fprog filter{.len = size, .filter = program};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
  }
  errno = EINVAL;
  return false;
}

}  // namespace nucleus::test
