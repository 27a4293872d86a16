// Mounts, roots and namespaces: everything that would rebuild the view the sandbox has made.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack_probe.h"

#define UNUSED __attribute__((unused))

// <sys/mount.h> and <linux/mount.h> do not go together.
extern int mount(const char* source, const char* target, const char* type, unsigned long flags,
                 const void* data);
extern int umount2(const char* target, int flags);
enum { kMntForce = 1, kMntDetach = 2 };

static int mount_tmpfs(UNUSED const char* arg) {
  return judge(mount("none", "/tmp", "tmpfs", 0, NULL), "a tmpfs was mounted");
}

static int mount_proc(UNUSED const char* arg) {
  return judge(mount("proc", "/tmp", "proc", 0, NULL), "a proc without masks was mounted");
}

static int mount_sysfs(UNUSED const char* arg) {
  return judge(mount("sysfs", "/tmp", "sysfs", 0, NULL), "a writable sysfs was mounted");
}

static int mount_cgroup(UNUSED const char* arg) {
  int first = mount("cgroup", "/tmp", "cgroup", 0, "rdma,nucleus_no_such");
  if (first < 0 && errno == EINVAL) return escaped("a cgroup mount was considered");
  return judge(mount("cgroup2", "/tmp", "cgroup2", 0, NULL), "a cgroup tree was mounted");
}

static int mount_bind(UNUSED const char* arg) {
  return judge(mount("/proc", "/tmp", NULL, MS_BIND | MS_REC, NULL), "a bind mount was made");
}

static int remount_root_writable(UNUSED const char* arg) {
  return judge(mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL), "/usr was made writable");
}

static int remount_sys_writable(UNUSED const char* arg) {
  return judge(mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL), "/sys was made writable");
}

static int mount_propagation(UNUSED const char* arg) {
  return judge(mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL), "mounts were made shared");
}

static int umount_proc_mask(UNUSED const char* arg) {
  int first = umount2("/proc/keys", kMntDetach);
  if (first == 0) return escaped("a mask of /proc was taken off");
  if (errno == EINVAL) return escaped("umount2 was let through");
  return judge(umount2("/proc", kMntDetach), "/proc was taken off");
}

static int umount_root(UNUSED const char* arg) {
  return judge(umount2("/", kMntDetach), "the root was taken off");
}

static int fsopen_call(UNUSED const char* arg) {
  return judge(syscall(SYS_fsopen, "tmpfs", 1), "a file system was opened");
}

static int open_tree_clone(UNUSED const char* arg) {
  return judge(syscall(SYS_open_tree, AT_FDCWD, "/", 1U /* OPEN_TREE_CLONE */ | 0x8000U),
               "the mounts were copied");
}

static int move_mount_call(UNUSED const char* arg) {
  return judge(syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0), "a mount moved");
}

static int mount_setattr_call(UNUSED const char* arg) {
  struct mount_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.attr_clr = MOUNT_ATTR_RDONLY;
  return judge(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr)),
               "read-only was taken off /");
}

static int pivot_root_call(UNUSED const char* arg) {
  return judge(syscall(SYS_pivot_root, "/tmp", "/tmp"), "pivot_root");
}

static int chroot_call(UNUSED const char* arg) {
  return judge(chroot("/tmp"), "chroot went through");
}

// The classic way out: a directory kept open across a chroot, then up from there.
static int chroot_walk(UNUSED const char* arg) {
  struct stat before;
  struct stat after;
  if (stat("/", &before) < 0) return errno;
  int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  (void)mkdir("/tmp/attack_chroot", 0700);
  int kept = chroot("/tmp/attack_chroot");
  int error = errno;
  if (fchdir(fd) < 0) return errno;
  for (int step = 0; step < 64; ++step) {
    if (chdir("..") < 0) return errno;
  }
  if (stat(".", &after) < 0) return errno;
  if (before.st_dev != after.st_dev || before.st_ino != after.st_ino) {
    return escaped("64 times '..' led out of the root");
  }
  return kept < 0 ? error : escaped("chroot went through");
}

static int unshare_flags(int flags, const char* what) { return judge(unshare(flags), what); }

static int unshare_user(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWUSER, "a user namespace was made");
}
static int unshare_user_mount(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWUSER | CLONE_NEWNS | CLONE_FS, "user and mount namespaces");
}
static int unshare_mount(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWNS, "a mount namespace was made");
}
static int unshare_net(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWNET, "a network namespace was made");
}
static int unshare_pid(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWPID, "a pid namespace was made");
}
static int unshare_ipc(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWIPC, "an ipc namespace was made");
}
static int unshare_uts(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWUTS, "a uts namespace was made");
}
static int unshare_cgroup(UNUSED const char* arg) {
  return unshare_flags(CLONE_NEWCGROUP, "a cgroup namespace was made");
}
static int unshare_time(UNUSED const char* arg) {
  return unshare_flags(0x80 /* CLONE_NEWTIME */, "a time namespace was made");
}

// The upper half of an int argument is nothing to the kernel: a filter must not compare it.
static int unshare_user_high_bits(UNUSED const char* arg) {
  return judge(syscall(SYS_unshare, (1UL << 40) | CLONE_NEWUSER), "a user namespace was made");
}

static int clone_flags(unsigned long flags, const char* what) {
  long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0UL);
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  waitpid((pid_t)child, NULL, 0);
  return escaped("%s", what);
}

static int clone_user(UNUSED const char* arg) {
  return clone_flags(CLONE_NEWUSER, "clone made a user namespace");
}
static int clone_user_high_bits(UNUSED const char* arg) {
  return clone_flags(CLONE_NEWUSER | (1UL << 36), "clone made a user namespace");
}
static int clone_mount(UNUSED const char* arg) {
  return clone_flags(CLONE_NEWNS, "clone made a mount namespace");
}
static int clone_net(UNUSED const char* arg) {
  return clone_flags(CLONE_NEWNET, "clone made a network namespace");
}
static int clone_pid(UNUSED const char* arg) {
  return clone_flags(CLONE_NEWPID, "clone made a pid namespace");
}

// A filter cannot look behind clone3's pointer, so the whole call has to be unknown.
static int clone3_flags(uint64_t flags, const char* what) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } args;
  memset(&args, 0, sizeof(args));
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  long child = syscall(SYS_clone3, &args, sizeof(args));
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  waitpid((pid_t)child, NULL, 0);
  return escaped("%s", what);
}

static int clone3_user(UNUSED const char* arg) {
  return clone3_flags(CLONE_NEWUSER, "clone3 made a user namespace");
}

static int clone3_plain(UNUSED const char* arg) {
  int verdict = clone3_flags(0, "clone3 is served at all");
  return verdict == ENOSYS || verdict == ATTEMPT_ESCAPED
             ? verdict
             : escaped("%s where libraries fall back only after ENOSYS", strerrorname_np(verdict));
}

static int enter(const char* path, int kind) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int result = setns(fd, kind);
  int error = errno;
  close(fd);
  errno = error;
  return judge(result, "setns went through");
}

static int setns_own_mount(UNUSED const char* arg) {
  return enter("/proc/self/ns/mnt", CLONE_NEWNS);
}
static int setns_own_user(UNUSED const char* arg) {
  return enter("/proc/self/ns/user", CLONE_NEWUSER);
}
static int setns_own_uts(UNUSED const char* arg) {
  return enter("/proc/self/ns/uts", CLONE_NEWUTS);
}
static int setns_init_mount(UNUSED const char* arg) { return enter("/proc/1/ns/mnt", CLONE_NEWNS); }

static int setns_pidfd(UNUSED const char* arg) {
  long fd = syscall(SYS_pidfd_open, 1, 0);
  if (fd < 0) return errno;
  return judge(setns((int)fd, CLONE_NEWNS | CLONE_NEWUTS), "PID 1's namespaces were entered");
}

// NS_GET_USERNS and NS_GET_PARENT hand out namespaces that /proc does not show.
static int ns_get_parent(UNUSED const char* arg) {
  int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  return judge(syscall(SYS_ioctl, fd, 0xb702 /* NS_GET_PARENT */, 0), "the host's user namespace");
}

static int sethostname_call(UNUSED const char* arg) {
  char name[256];
  if (gethostname(name, sizeof(name)) < 0) return errno;
  return judge(sethostname(name, strlen(name)), "the host name was set");
}

static int setdomainname_call(UNUSED const char* arg) {
  return judge(setdomainname("(none)", 6), "the domain name was set");
}

const struct attempt kNamespaceAttempts[] = {
    {"mount_tmpfs", mount_tmpfs, kPlain},
    {"mount_proc", mount_proc, kPlain},
    {"mount_sysfs", mount_sysfs, kPlain},
    {"mount_cgroup", mount_cgroup, kPlain},
    {"mount_bind", mount_bind, kPlain},
    {"remount_root_writable", remount_root_writable, kPlain},
    {"remount_sys_writable", remount_sys_writable, kPlain},
    {"mount_propagation", mount_propagation, kPlain},
    {"umount_proc_mask", umount_proc_mask, kPlain},
    {"umount_root", umount_root, kPlain},
    {"fsopen", fsopen_call, kPlain},
    {"open_tree_clone", open_tree_clone, kPlain},
    {"move_mount", move_mount_call, kPlain},
    {"mount_setattr", mount_setattr_call, kPlain},
    {"pivot_root", pivot_root_call, kPlain},
    {"chroot", chroot_call, kPlain},
    {"chroot_walk", chroot_walk, kPlain},
    {"unshare_user", unshare_user, kPlain},
    {"unshare_user_mount", unshare_user_mount, kPlain},
    {"unshare_user_high_bits", unshare_user_high_bits, kPlain},
    {"unshare_mount", unshare_mount, kPlain},
    {"unshare_net", unshare_net, kPlain},
    {"unshare_pid", unshare_pid, kPlain},
    {"unshare_ipc", unshare_ipc, kPlain},
    {"unshare_uts", unshare_uts, kPlain},
    {"unshare_cgroup", unshare_cgroup, kPlain},
    {"unshare_time", unshare_time, kPlain},
    {"clone_user", clone_user, kPlain},
    {"clone_user_high_bits", clone_user_high_bits, kPlain},
    {"clone_mount", clone_mount, kPlain},
    {"clone_net", clone_net, kPlain},
    {"clone_pid", clone_pid, kPlain},
    {"clone3_user", clone3_user, kPlain},
    {"clone3_plain", clone3_plain, kPlain},
    {"setns_own_mount", setns_own_mount, kPlain},
    {"setns_own_user", setns_own_user, kPlain},
    {"setns_own_uts", setns_own_uts, kPlain},
    {"setns_init_mount", setns_init_mount, kPlain},
    {"setns_pidfd", setns_pidfd, kPlain},
    {"ns_get_parent", ns_get_parent, kPlain},
    {"sethostname", sethostname_call, kPlain},
    {"setdomainname", setdomainname_call, kPlain},
    {NULL, NULL, 0},
};
