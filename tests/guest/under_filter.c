/* under_filter PROGRAM ARG...: runs it under a filter like that of a container engine, which hides
   clone3 and refuses new user namespaces. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBER(call, yes) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, yes, 0)

int main(int argc, char** argv) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      NUMBER(__NR_clone3, 4),
      NUMBER(__NR_unshare, 4),
      NUMBER(__NR_mount, 3),
      NUMBER(__NR_clone, 3),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER | CLONE_NEWNS, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (argc < 2) return 99;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 && geteuid() != 0) return 98;
  if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return 97;
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 96;
}
