// Names of system calls for the messages of these tests: of those that nucleus makes.
#pragma once

#include <sys/syscall.h>

namespace nucleus::test {

inline const char* call_name(long number) {
  switch (number) {
#define NUCLEUS_CALL(name) \
  case SYS_##name: return #name
    NUCLEUS_CALL(brk);
    NUCLEUS_CALL(capget);
    NUCLEUS_CALL(capset);
    NUCLEUS_CALL(chdir);
    NUCLEUS_CALL(clone);
    NUCLEUS_CALL(clone3);
    NUCLEUS_CALL(close);
    NUCLEUS_CALL(close_range);
    NUCLEUS_CALL(dup3);
    NUCLEUS_CALL(eventfd2);
    NUCLEUS_CALL(execve);
    NUCLEUS_CALL(execveat);
    NUCLEUS_CALL(exit_group);
    NUCLEUS_CALL(fchdir);
    NUCLEUS_CALL(fchown);
    NUCLEUS_CALL(fcntl);
    NUCLEUS_CALL(flock);
    NUCLEUS_CALL(fsconfig);
    NUCLEUS_CALL(fsmount);
    NUCLEUS_CALL(fsopen);
    NUCLEUS_CALL(getcwd);
    NUCLEUS_CALL(getdents64);
    NUCLEUS_CALL(getegid);
    NUCLEUS_CALL(geteuid);
    NUCLEUS_CALL(getpid);
    NUCLEUS_CALL(getrandom);
    NUCLEUS_CALL(getxattr);
    NUCLEUS_CALL(ioctl);
    NUCLEUS_CALL(keyctl);
    NUCLEUS_CALL(kill);
    NUCLEUS_CALL(landlock_add_rule);
    NUCLEUS_CALL(landlock_create_ruleset);
    NUCLEUS_CALL(landlock_restrict_self);
    NUCLEUS_CALL(lseek);
    NUCLEUS_CALL(memfd_create);
    NUCLEUS_CALL(mkdirat);
    NUCLEUS_CALL(mknodat);
    NUCLEUS_CALL(mmap);
    NUCLEUS_CALL(mount);
    NUCLEUS_CALL(mount_setattr);
    NUCLEUS_CALL(move_mount);
    NUCLEUS_CALL(mprotect);
    NUCLEUS_CALL(munmap);
    NUCLEUS_CALL(newfstatat);
    NUCLEUS_CALL(open_tree);
    NUCLEUS_CALL(openat);
    NUCLEUS_CALL(openat2);
    NUCLEUS_CALL(pidfd_open);
    NUCLEUS_CALL(pidfd_send_signal);
    NUCLEUS_CALL(pipe2);
    NUCLEUS_CALL(pivot_root);
    NUCLEUS_CALL(ppoll);
    NUCLEUS_CALL(prctl);
    NUCLEUS_CALL(pread64);
    NUCLEUS_CALL(prlimit64);
    NUCLEUS_CALL(read);
    NUCLEUS_CALL(recvfrom);
    NUCLEUS_CALL(recvmsg);
    NUCLEUS_CALL(rt_sigaction);
    NUCLEUS_CALL(rt_sigprocmask);
    NUCLEUS_CALL(rt_sigtimedwait);
    NUCLEUS_CALL(seccomp);
    NUCLEUS_CALL(sendmsg);
    NUCLEUS_CALL(sendto);
    NUCLEUS_CALL(setfsgid);
    NUCLEUS_CALL(setfsuid);
    NUCLEUS_CALL(setgroups);
    NUCLEUS_CALL(sethostname);
    NUCLEUS_CALL(setns);
    NUCLEUS_CALL(setpgid);
    NUCLEUS_CALL(setresgid);
    NUCLEUS_CALL(setresuid);
    NUCLEUS_CALL(setsid);
    NUCLEUS_CALL(signalfd4);
    NUCLEUS_CALL(socket);
    NUCLEUS_CALL(socketpair);
    NUCLEUS_CALL(statx);
    NUCLEUS_CALL(symlinkat);
    NUCLEUS_CALL(umask);
    NUCLEUS_CALL(umount2);
    NUCLEUS_CALL(utimensat);
    NUCLEUS_CALL(wait4);
    NUCLEUS_CALL(waitid);
    NUCLEUS_CALL(write);
#if defined(__x86_64__)
    NUCLEUS_CALL(access);
    NUCLEUS_CALL(mkdir);
    NUCLEUS_CALL(open);
    NUCLEUS_CALL(poll);
    NUCLEUS_CALL(readlink);
    NUCLEUS_CALL(rmdir);
    NUCLEUS_CALL(stat);
    NUCLEUS_CALL(symlink);
    NUCLEUS_CALL(unlink);
#endif
#undef NUCLEUS_CALL
    default: return nullptr;
  }
}

}  // namespace nucleus::test
