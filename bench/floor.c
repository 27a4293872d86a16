// floor CMD ARGS...: the least that any sandbox with nucleus' default root has to do, and nothing
// else.
//
// The same namespaces, id map, mounts and pivot_root as `nucleus run -- CMD`, in straight-line C
// with no options, no cgroup, no seccomp, no Landlock, no init, no capability work and no cleanup
// beyond what the kernel does by itself. The time it takes is the lower bound the benchmark divides
// by. It is no sandbox: do not use it as one.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char* const kEtc[] = {
    "alternatives",    "ld.so.cache",     "protocols",       "services",        "mime.types",
    "ssl/certs",       "ssl/openssl.cnf", "pki/tls/certs",   "pki/ca-trust",    "java-11-openjdk",
    "java-17-openjdk", "java-21-openjdk", "java-25-openjdk", "crypto-policies", "fonts",
};
static const char* const kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const char* const kReadOnlyProc[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                            "proc/sysrq-trigger"};
static const char* const kHiddenFiles[] = {
    "proc/interrupts",  "proc/kcore",    "proc/keys",       "proc/latency_stats", "proc/timer_list",
    "proc/sched_debug", "proc/kallsyms", "proc/kpagecount", "proc/kpageflags",
};
static const char* const kHiddenDirectories[] = {
    "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
};

static void die(const char* what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static void must(long result, const char* what) {
  if (result < 0) die(what);
}

static void write_text(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) die(path);
  close(fd);
}

static void make_directory(const char* path) {
  if (mkdir(path, 0755) < 0 && errno != EEXIST) die(path);
}

// A detached copy of `source` with `attributes`, moved to `target`; the target is made if `make`
// says so.
static void bind_to(const char* source, const char* target, uint64_t attributes, int make,
                    int optional) {
  const int fd = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (fd < 0) {
    if (optional) return;
    die(source);
  }
  if (attributes != 0) {
    struct mount_attr change = {.attr_set = attributes};
    must(mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change), source);
  }
  if (make) {
    struct stat info;
    must(fstat(fd, &info), source);
    if (S_ISDIR(info.st_mode)) {
      make_directory(target);
    } else {
      must(mknod(target, S_IFREG | 0644, 0), target);
    }
  }
  if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0 && !optional) die(target);
  close(fd);
}

static void tmpfs(const char* target, unsigned long flags, const char* options) {
  make_directory(target);
  must(mount("tmpfs", target, "tmpfs", flags, options), target);
}

static void remount(const char* target, uint64_t attributes) {
  struct mount_attr change = {.attr_set = attributes};
  must(mount_setattr(AT_FDCWD, target, 0, &change, sizeof change), target);
}

static void copy_link(const char* name) {
  char path[32];
  char text[64];
  snprintf(path, sizeof path, "/%s", name);
  const ssize_t size = readlink(path, text, sizeof text - 1);
  if (size > 0) {
    text[size] = '\0';
    must(symlink(text, name), name);
  } else if (errno == EINVAL) {
    bind_to(path, name, READ_ONLY, 1, 0);  // a host without merged /usr
  }
}

static void build_etc(void) {
  make_directory("etc");
  make_directory("etc/ssl");
  make_directory("etc/pki");
  make_directory("etc/pki/tls");
  for (size_t index = 0; index < COUNT(kEtc); ++index) {
    char source[64];
    snprintf(source, sizeof source, "/etc/%s", kEtc[index]);
    bind_to(source, source + 1, READ_ONLY, 1, 1);
  }
  write_text("etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  write_text("etc/group", "root:x:0:\nuser:x:1000:\ntty:x:5:\nnogroup:x:65534:\n");
  write_text("etc/host.conf", "multi on\n");
  write_text("etc/hostname", "floor\n");
  write_text("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\tfloor\n");
  write_text("etc/resolv.conf", "");
}

static void build_dev(void) {
  tmpfs("dev", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k,nr_inodes=64");
  for (size_t index = 0; index < COUNT(kDevices); ++index) {
    char source[32];
    snprintf(source, sizeof source, "/dev/%s", kDevices[index]);
    bind_to(source, source + 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 1, 0);
  }
  make_directory("dev/pts");
  must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
             "newinstance,ptmxmode=0666,mode=620"),
       "dev/pts");
  tmpfs("dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m");
  make_directory("dev/mqueue");
  must(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
       "dev/mqueue");
  must(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
  must(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
  must(symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
  must(symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
  must(symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
  remount("dev", MOUNT_ATTR_RDONLY);
}

static void build_kernel_views(void) {
  make_directory("proc");
  make_directory("sys");
  must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
  mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
        NULL);  // where it is allowed
  for (size_t index = 0; index < COUNT(kReadOnlyProc); ++index) {
    bind_to(kReadOnlyProc[index], kReadOnlyProc[index], READ_ONLY | MOUNT_ATTR_NOEXEC, 0, 1);
  }
  for (size_t index = 0; index < COUNT(kHiddenFiles); ++index) {
    // Looked up first: a missing target must not cost a mount that is thrown away.
    if (access(kHiddenFiles[index], F_OK) == 0) bind_to("dev/null", kHiddenFiles[index], 0, 0, 1);
  }
  for (size_t index = 0; index < COUNT(kHiddenDirectories); ++index) {
    if (access(kHiddenDirectories[index], F_OK) == 0) {
      mount("tmpfs", kHiddenDirectories[index], "tmpfs",
            MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=555,size=0,nr_inodes=1");
    }
  }
}

static void build_root(int privileged) {
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
  must(mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64m"), "new root");
  must(chdir("/tmp"), "/tmp");
  bind_to("/usr", "usr", READ_ONLY, 1, 0);
  static const char* const kTop[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
  for (size_t index = 0; index < COUNT(kTop); ++index) copy_link(kTop[index]);
  build_etc();
  make_directory("run");
  make_directory("var");
  must(symlink("../run", "var/run"), "var/run");
  must(symlink("../tmp", "var/tmp"), "var/tmp");
  tmpfs("tmp", MS_NOSUID | MS_NODEV, "mode=1777");
  make_directory("home");
  tmpfs("home/user", MS_NOSUID | MS_NODEV, privileged ? "mode=700,uid=1000,gid=1000" : "mode=700");
  build_dev();
  build_kernel_views();
  remount(".", READ_ONLY);
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount the old root");
  must(chdir("/"), "/");
}

static void loopback_up(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(fd, "socket");
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  must(ioctl(fd, SIOCSIFFLAGS, &request), "lo up");
  close(fd);
}

static void child(int ready, int privileged, char** argv) {
  char byte;
  if (read(ready, &byte, 1) != 1) _exit(125);  // the parent is gone, or could not map the ids
  must(setresgid(0, 0, 0), "setresgid");
  if (privileged) must(setgroups(0, NULL), "setgroups");
  must(setresuid(0, 0, 0), "setresuid");
  umask(0);
  must(sethostname("floor", 5), "sethostname");
  loopback_up();
  build_root(privileged);
  umask(022);
  if (privileged) {  // unprivileged, one id is all there is
    must(setresgid(1000, 1000, 1000), "setresgid");
    must(setresuid(1000, 1000, 1000), "setresuid");
  }
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "parent death signal");
  char* const environment[] = {"PATH=/usr/bin:/bin", "HOME=/home/user", NULL};
  if (strchr(argv[0], '/') != NULL) {
    execve(argv[0], argv, environment);
  } else {
    execvpe(argv[0], argv, environment);
  }
  die(argv[0]);
}

static void map_file(long pid, const char* name, const char* text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) die(path);
  close(fd);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fputs("usage: floor CMD [ARGS...]\n", stderr);
    return 125;
  }
  const uid_t uid = geteuid();
  int ready[2];
  must(pipe2(ready, O_CLOEXEC), "pipe");
  int pidfd = -1;
  struct clone_args arguments = {
      .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS |
               CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_PIDFD,
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
  };
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  must(pid, "clone3");
  if (pid == 0) {
    close(ready[1]);
    child(ready[0], uid == 0, argv + 1);
  }
  close(ready[0]);
  if (uid == 0) {
    map_file(pid, "uid_map", "0 1879048192 65536");
    map_file(pid, "gid_map", "0 1879048192 65536");
  } else {
    char text[32];
    snprintf(text, sizeof text, "0 %u 1", uid);
    map_file(pid, "uid_map", text);
    map_file(pid, "setgroups", "deny");
    snprintf(text, sizeof text, "0 %u 1", getegid());
    map_file(pid, "gid_map", text);
  }
  must(write(ready[1], "", 1), "start the child");
  siginfo_t info;
  must(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), "waitid");
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
