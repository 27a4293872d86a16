// The built-in policy: which calls a contained program may make, and why some only with certain arguments.
#pragma once

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include <cerrno>

#include "security/seccomp/policy.h"

namespace nucleus::security::seccomp {

#define ALLOW(name) Entry{__NR_##name, kAllow}
#define REFUSE(name) Entry{__NR_##name, refuse(EPERM)}
#define KILL(name) Entry{__NR_##name, kKill}

inline constexpr Entry kBuiltinEntries[] = {
    // Files and their names. Which file may be reached is for mounts and Landlock to say.
    ALLOW(read), ALLOW(write), ALLOW(readv), ALLOW(writev), ALLOW(pread64), ALLOW(pwrite64), ALLOW(preadv),
    ALLOW(pwritev), ALLOW(preadv2), ALLOW(pwritev2), ALLOW(openat), ALLOW(openat2), ALLOW(close), ALLOW(close_range),
    ALLOW(lseek), ALLOW(fcntl), ALLOW(dup), ALLOW(dup3), ALLOW(pipe2), ALLOW(flock), ALLOW(fstat), ALLOW(statx),
    ALLOW(statfs), ALLOW(fstatfs), ALLOW(faccessat), ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(fchmod),
    ALLOW(fchmodat), Entry{452 /* fchmodat2 */, kAllow}, ALLOW(fchown), ALLOW(fchownat), ALLOW(umask), ALLOW(mkdirat),
    ALLOW(unlinkat), ALLOW(renameat2), ALLOW(linkat), ALLOW(symlinkat), ALLOW(getdents64), ALLOW(getcwd),
    ALLOW(chdir), ALLOW(fchdir), ALLOW(truncate), ALLOW(ftruncate), ALLOW(fallocate), ALLOW(fsync), ALLOW(fdatasync),
    ALLOW(sync), ALLOW(syncfs), ALLOW(sync_file_range), ALLOW(copy_file_range), ALLOW(splice), ALLOW(tee),
    ALLOW(vmsplice), ALLOW(sendfile), ALLOW(fadvise64), ALLOW(readahead), ALLOW(utimensat), ALLOW(mknodat),
    ALLOW(getxattr), ALLOW(lgetxattr), ALLOW(fgetxattr), ALLOW(listxattr), ALLOW(llistxattr), ALLOW(flistxattr),
    ALLOW(setxattr), ALLOW(lsetxattr), ALLOW(fsetxattr), ALLOW(removexattr), ALLOW(lremovexattr), ALLOW(fremovexattr),
    ALLOW(inotify_init1), ALLOW(inotify_add_watch), ALLOW(inotify_rm_watch), ALLOW(io_setup), ALLOW(io_destroy),
    ALLOW(io_submit), ALLOW(io_cancel), ALLOW(io_getevents), ALLOW(io_pgetevents), ALLOW(ioctl),
    // Memory.
    ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(brk), ALLOW(mremap), ALLOW(madvise), ALLOW(process_madvise),
    ALLOW(msync), ALLOW(mlock), ALLOW(mlock2), ALLOW(munlock), ALLOW(mlockall), ALLOW(munlockall), ALLOW(mincore),
    ALLOW(membarrier), ALLOW(memfd_create), ALLOW(memfd_secret), ALLOW(pkey_alloc), ALLOW(pkey_free),
    ALLOW(pkey_mprotect), ALLOW(get_mempolicy), ALLOW(set_mempolicy), ALLOW(mbind), ALLOW(remap_file_pages),
    Entry{451 /* cachestat */, kAllow}, Entry{462 /* mseal */, kAllow},
    // System V and POSIX IPC: the container's own namespace.
    ALLOW(shmget), ALLOW(shmat), ALLOW(shmdt), ALLOW(shmctl), ALLOW(semget), ALLOW(semop), ALLOW(semctl),
    ALLOW(semtimedop), ALLOW(msgget), ALLOW(msgsnd), ALLOW(msgrcv), ALLOW(msgctl), ALLOW(mq_open), ALLOW(mq_unlink),
    ALLOW(mq_timedsend), ALLOW(mq_timedreceive), ALLOW(mq_notify), ALLOW(mq_getsetattr),
    // Processes and threads. execveat is what fexecve(3) and nucleus' own start use.
    ALLOW(execve), ALLOW(execveat), ALLOW(wait4), ALLOW(waitid), ALLOW(exit), ALLOW(exit_group), ALLOW(clone),
    ALLOW(getpid), ALLOW(gettid), ALLOW(getppid), ALLOW(getuid), ALLOW(getgid), ALLOW(geteuid), ALLOW(getegid),
    ALLOW(getresuid), ALLOW(getresgid), ALLOW(getgroups), ALLOW(setuid), ALLOW(setgid), ALLOW(setreuid),
    ALLOW(setregid), ALLOW(setresuid), ALLOW(setresgid), ALLOW(setfsuid), ALLOW(setfsgid), ALLOW(setgroups),
    ALLOW(setsid), ALLOW(getsid), ALLOW(setpgid), ALLOW(getpgid), ALLOW(capget), ALLOW(capset), ALLOW(prctl),
    ALLOW(prlimit64), ALLOW(getrusage), ALLOW(times), ALLOW(sysinfo), ALLOW(uname), ALLOW(getcpu),
    ALLOW(getpriority), ALLOW(setpriority), ALLOW(ioprio_get), ALLOW(ioprio_set), ALLOW(sched_yield),
    ALLOW(sched_getaffinity), ALLOW(sched_setaffinity), ALLOW(sched_getparam), ALLOW(sched_setparam),
    ALLOW(sched_getscheduler), ALLOW(sched_setscheduler), ALLOW(sched_getattr), ALLOW(sched_setattr),
    ALLOW(sched_get_priority_max), ALLOW(sched_get_priority_min), ALLOW(sched_rr_get_interval), ALLOW(futex),
    ALLOW(futex_waitv), Entry{454 /* futex_wake */, kAllow}, Entry{455 /* futex_wait */, kAllow},
    Entry{456 /* futex_requeue */, kAllow}, ALLOW(set_tid_address), ALLOW(set_robust_list), ALLOW(get_robust_list),
    ALLOW(rseq), ALLOW(pidfd_open), ALLOW(pidfd_send_signal), ALLOW(unshare), ALLOW(personality), ALLOW(getrandom),
    ALLOW(restart_syscall),
    // Signals, time, waiting.
    ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(rt_sigsuspend), ALLOW(rt_sigtimedwait),
    ALLOW(rt_sigpending), ALLOW(rt_sigqueueinfo), ALLOW(rt_tgsigqueueinfo), ALLOW(sigaltstack), ALLOW(kill),
    ALLOW(tkill), ALLOW(tgkill), ALLOW(clock_gettime), ALLOW(clock_getres), ALLOW(clock_nanosleep), ALLOW(nanosleep),
    ALLOW(gettimeofday), ALLOW(setitimer), ALLOW(getitimer), ALLOW(timer_create), ALLOW(timer_settime),
    ALLOW(timer_gettime), ALLOW(timer_getoverrun), ALLOW(timer_delete), ALLOW(timerfd_create), ALLOW(timerfd_settime),
    ALLOW(timerfd_gettime), ALLOW(ppoll), ALLOW(pselect6), ALLOW(epoll_create1), ALLOW(epoll_ctl), ALLOW(epoll_pwait),
    ALLOW(epoll_pwait2), ALLOW(eventfd2), ALLOW(signalfd4),
    // Sockets: families are chosen below, and a network namespace says what they reach.
    ALLOW(socketpair), ALLOW(bind), ALLOW(connect), ALLOW(listen), ALLOW(accept), ALLOW(accept4), ALLOW(getsockname),
    ALLOW(getpeername), ALLOW(getsockopt), ALLOW(setsockopt), ALLOW(sendto), ALLOW(recvfrom), ALLOW(sendmsg),
    ALLOW(recvmsg), ALLOW(sendmmsg), ALLOW(recvmmsg), ALLOW(shutdown),
    // A program may sandbox itself further.
    ALLOW(seccomp), ALLOW(landlock_create_ruleset), ALLOW(landlock_add_rule), ALLOW(landlock_restrict_self),
#if defined(__x86_64__)
    ALLOW(newfstatat), ALLOW(renameat), ALLOW(open), ALLOW(creat), ALLOW(stat), ALLOW(lstat), ALLOW(access),
    ALLOW(readlink), ALLOW(dup2), ALLOW(pipe), ALLOW(unlink), ALLOW(rename), ALLOW(link), ALLOW(symlink), ALLOW(chmod),
    ALLOW(chown), ALLOW(lchown), ALLOW(mkdir), ALLOW(rmdir), ALLOW(mknod), ALLOW(getdents), ALLOW(getpgrp),
    ALLOW(arch_prctl), ALLOW(getrlimit), ALLOW(setrlimit), ALLOW(poll), ALLOW(select), ALLOW(epoll_create),
    ALLOW(epoll_wait), ALLOW(eventfd), ALLOW(signalfd), ALLOW(inotify_init), ALLOW(fork), ALLOW(vfork), ALLOW(alarm),
    ALLOW(pause), ALLOW(time), ALLOW(utime), ALLOW(utimes), ALLOW(futimesat),
#else
    Entry{79 /* newfstatat */, kAllow}, ALLOW(renameat), ALLOW(getrlimit), ALLOW(setrlimit),
#endif
    // Known and denied: EPERM says "not allowed", where ENOSYS would say "does not exist".
    REFUSE(mount), REFUSE(umount2), REFUSE(pivot_root), REFUSE(chroot), REFUSE(open_tree), REFUSE(move_mount),
    REFUSE(fsopen), REFUSE(fsconfig), REFUSE(fsmount), REFUSE(fspick), REFUSE(mount_setattr), REFUSE(setns),
    REFUSE(sethostname), REFUSE(setdomainname), REFUSE(swapon), REFUSE(swapoff), REFUSE(reboot), REFUSE(acct),
    REFUSE(quotactl), REFUSE(quotactl_fd), REFUSE(settimeofday), REFUSE(clock_settime), REFUSE(clock_adjtime),
    REFUSE(adjtimex), REFUSE(syslog), REFUSE(vhangup), REFUSE(bpf), REFUSE(perf_event_open), REFUSE(ptrace),
    REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(process_mrelease), REFUSE(kcmp), REFUSE(pidfd_getfd),
    REFUSE(userfaultfd), REFUSE(add_key), REFUSE(request_key), REFUSE(keyctl), REFUSE(name_to_handle_at),
    REFUSE(open_by_handle_at), REFUSE(fanotify_init), REFUSE(fanotify_mark), REFUSE(lookup_dcookie),
    REFUSE(move_pages), REFUSE(migrate_pages), REFUSE(io_uring_setup), REFUSE(io_uring_enter),
    REFUSE(io_uring_register), REFUSE(nfsservctl),
#if defined(__x86_64__)
    REFUSE(iopl), REFUSE(ioperm), REFUSE(modify_ldt), REFUSE(uselib), REFUSE(ustat), REFUSE(sysfs),
#endif
    // Nobody probes for these: a program that loads kernel code is an attack.
    KILL(kexec_load), KILL(kexec_file_load), KILL(init_module), KILL(finit_module), KILL(delete_module),
    // socket(2) answers for the families that are not listed below.
    Entry{__NR_socket, refuse(EAFNOSUPPORT)},
};

#undef ALLOW
#undef REFUSE
#undef KILL

constexpr Rule family(std::uint32_t domain, std::uint32_t type) {
  // The upper bits of the type are SOCK_CLOEXEC and SOCK_NONBLOCK.
  return {.number = __NR_socket,
          .action = kAllow,
          .first = {.arg = 0, .value = domain},
          .second = {.arg = 1, .mask = 0xF, .value = type}};
}

constexpr Rule no_flag(std::uint32_t number, std::uint32_t flag) {
  return {.number = number, .action = refuse(EPERM), .first = {.arg = 0, .mask = flag, .value = flag}};
}

constexpr Rule no_ioctl(std::uint32_t request) {
  return {.number = __NR_ioctl, .action = refuse(EPERM), .first = {.arg = 1, .value = request}};
}

inline constexpr Rule kBuiltinRules[] = {
    // A new user namespace would give its maker every capability in it, and with them the kernel's widest attack surface.
    no_flag(__NR_clone, CLONE_NEWUSER), no_flag(__NR_clone, CLONE_NEWNS), no_flag(__NR_clone, CLONE_NEWPID),
    no_flag(__NR_clone, CLONE_NEWNET), no_flag(__NR_clone, CLONE_NEWIPC), no_flag(__NR_clone, CLONE_NEWUTS),
    no_flag(__NR_clone, CLONE_NEWCGROUP), no_flag(__NR_unshare, CLONE_NEWUSER), no_flag(__NR_unshare, CLONE_NEWNS),
    no_flag(__NR_unshare, CLONE_NEWPID), no_flag(__NR_unshare, CLONE_NEWNET), no_flag(__NR_unshare, CLONE_NEWIPC),
    no_flag(__NR_unshare, CLONE_NEWUTS), no_flag(__NR_unshare, CLONE_NEWCGROUP), no_flag(__NR_unshare, CLONE_NEWTIME),
    // Unix sockets of every type; the internet without raw packets; netlink only to ask about links and routes.
    {.number = __NR_socket, .action = kAllow, .first = {.arg = 0, .value = AF_UNIX}},
    family(AF_INET, SOCK_STREAM), family(AF_INET, SOCK_DGRAM), family(AF_INET6, SOCK_STREAM),
    family(AF_INET6, SOCK_DGRAM),
    {.number = __NR_socket, .action = refuse(EPERM), .first = {.arg = 0, .value = AF_INET}},
    {.number = __NR_socket, .action = refuse(EPERM), .first = {.arg = 0, .value = AF_INET6}},
    {.number = __NR_socket,
     .action = kAllow,
     .first = {.arg = 0, .value = AF_NETLINK},
     .second = {.arg = 2, .value = 0 /* NETLINK_ROUTE */}},
    // Typing into the terminal that started us (CVE-2017-5226), and the console's own menu of tricks.
    no_ioctl(TIOCSTI), no_ioctl(TIOCLINUX), no_ioctl(TIOCSETD), no_ioctl(TIOCCONS),
    // PER_LINUX, PER_LINUX32, without randomisation, and asking: what setarch(8) and gdb use. The rest revives old holes.
    {.number = __NR_personality, .action = kAllow, .first = {.arg = 0, .value = 0}},
    {.number = __NR_personality, .action = kAllow, .first = {.arg = 0, .value = 0x0008}},
    {.number = __NR_personality, .action = kAllow, .first = {.arg = 0, .value = 0x0040000}},
    {.number = __NR_personality, .action = kAllow, .first = {.arg = 0, .value = 0xFFFFFFFF}},
    {.number = __NR_personality, .action = refuse(EPERM), .first = {.arg = 0, .mask = 0, .value = 0}},
};

}  // namespace nucleus::security::seccomp
