// Attempts through /proc and /sys, and on other processes: masks, sysctls, capabilities, the init,
// the host's processes.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack_probe.h"

#define READ(name, path)             \
  static int name(const char* arg) { \
    (void)arg;                       \
    return try_read(path);           \
  }
#define WRITE(name, path)            \
  static int name(const char* arg) { \
    (void)arg;                       \
    return try_open(path, O_WRONLY); \
  }

READ(read_kcore, "/proc/kcore")
READ(read_keys, "/proc/keys")
READ(read_kallsyms, "/proc/kallsyms")
READ(read_interrupts, "/proc/interrupts")
READ(read_timer_list, "/proc/timer_list")
READ(read_sched_debug, "/proc/sched_debug")
READ(read_kpageflags, "/proc/kpageflags")
WRITE(write_sysrq, "/proc/sysrq-trigger")
WRITE(write_core_pattern, "/proc/sys/kernel/core_pattern")
WRITE(write_modprobe, "/proc/sys/kernel/modprobe")
WRITE(write_ip_forward, "/proc/sys/net/ipv4/ip_forward")
WRITE(write_drop_caches, "/proc/sys/vm/drop_caches")
WRITE(write_hostname, "/proc/sys/kernel/hostname")
WRITE(write_binfmt, "/proc/sys/fs/binfmt_misc/register")
WRITE(write_uevent_helper, "/sys/kernel/uevent_helper")
WRITE(write_release_agent, "/sys/fs/cgroup/release_agent")
WRITE(write_cgroup_procs, "/sys/fs/cgroup/cgroup.procs")

// Both may be opened by their owner; what counts is that the kernel takes no second map.
static int put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int result = judge(write(fd, text, strlen(text)), path);
  close(fd);
  return result;
}

static int write_uid_map(const char* arg) {
  (void)arg;
  return put("/proc/self/uid_map", "0 0 1\n");
}
static int write_setgroups(const char* arg) {
  (void)arg;
  return put("/proc/self/setgroups", "allow");
}

static int empty_directory(const char* path) {
  DIR* directory = opendir(path);
  if (directory == NULL) return errno;
  int result = ATTEMPT_HELD;
  const struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') result = escaped("%s shows %s", path, entry->d_name);
  }
  closedir(directory);
  return result;
}

static int firmware_hidden(const char* arg) {
  (void)arg;
  return empty_directory("/sys/firmware");
}
static int acpi_hidden(const char* arg) {
  (void)arg;
  return empty_directory("/proc/acpi");
}
static int scsi_hidden(const char* arg) {
  (void)arg;
  return empty_directory("/proc/scsi");
}

static int no_cgroup_written(const char* arg) {
  (void)arg;
  return judge(mkdir("/sys/fs/cgroup/attack", 0700), "a cgroup could be made");
}

static int capability_sets(const char* arg) {
  (void)arg;
  static const char* const sets[] = {"CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t",
                                     "CapAmb:\t"};
  char status[8192];
  if (slurp("/proc/self/status", status, sizeof(status)) < 0) return errno;
  for (size_t index = 0; index < sizeof(sets) / sizeof(sets[0]); ++index) {
    const char* found = strstr(status, sets[index]);
    if (found == NULL) return EINVAL;
    if (strtoull(found + strlen(sets[index]), NULL, 16) != 0) return escaped("%.28s", found);
  }
  return ATTEMPT_HELD;
}

static int capability_raise(const char* arg) {
  (void)arg;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  memset(sets, 0xFF, sizeof(sets));
  return judge(syscall(SYS_capset, &header, sets), "capabilities were raised");
}

static int no_new_privs(const char* arg) {
  (void)arg;
  const int set = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  if (set < 0) return errno;
  return set == 1 ? ATTEMPT_HELD : escaped("no_new_privs is not set");
}

static int seccomp_on(const char* arg) {
  (void)arg;
  char status[8192];
  if (slurp("/proc/self/status", status, sizeof(status)) < 0) return errno;
  return strstr(status, "Seccomp:\t2") != NULL ? ATTEMPT_HELD : escaped("no seccomp filter");
}

static int securebits(const char* arg) {
  (void)arg;
  return judge(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), "securebits could be cleared");
}

static int setuid_other(const char* arg) {
  (void)arg;
  return judge(syscall(SYS_setresuid, 12345, 12345, 12345), "another uid was taken");
}

static int setgroups_other(const char* arg) {
  (void)arg;
  const unsigned group = 42;
  return judge(syscall(SYS_setgroups, 1, &group), "another group was taken");
}

static int raise_limit(const char* arg) {
  (void)arg;
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) < 0) return errno;
  limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
  return judge(setrlimit(RLIMIT_CORE, &limit), "a hard limit was raised");
}

static int raise_priority(const char* arg) {
  (void)arg;
  return judge(setpriority(PRIO_PROCESS, 0, -10), "the priority was raised");
}

static int trace_init(const char* arg) {
  (void)arg;
  return judge(ptrace(PTRACE_ATTACH, 1, NULL, NULL), "PID 1 could be traced");
}

static int read_init_memory(const char* arg) {
  (void)arg;
  char byte = 0;
  struct iovec local = {&byte, 1}, remote = {(void*)0x400000, 1};
  return judge(process_vm_readv(1, &local, 1, &remote, 1, 0), "the memory of PID 1 could be read");
}

static int open_init_memory(const char* arg) {
  (void)arg;
  return try_open("/proc/1/mem", O_RDWR);
}
static int init_environment(const char* arg) {
  (void)arg;
  return try_read("/proc/1/environ");
}

static int kill_outside(const char* arg) {
  (void)arg;
  // Whatever is not of this pid namespace has no number here; our parent's is 0.
  const pid_t parent = getsid(1);
  return parent == 0 || parent == 1 ? ATTEMPT_HELD
                                    : escaped("PID 1 is in session %d of outside", (int)parent);
}

static int host_processes(const char* arg) {
  (void)arg;
  DIR* directory = opendir("/proc");
  if (directory == NULL) return errno;
  int count = 0;
  const struct dirent* entry;
  while ((entry = readdir(directory)) != NULL)
    count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
  closedir(directory);
  return count <= 8 ? ATTEMPT_HELD : escaped("%d processes are seen", count);
}

static int foreign_cgroup(const char* arg) {
  (void)arg;
  char text[8192];
  if (slurp("/proc/self/cgroup", text, sizeof(text)) < 0) return errno;
  return strstr(text, "/../") == NULL
             ? ATTEMPT_HELD
             : escaped("the cgroup namespace shows more than its root: %s", text);
}

static int kill_init(const char* arg) {
  (void)arg;
  if (kill(1, SIGKILL) < 0) return errno;
  // The kernel drops what a namespace's own processes send to their init.
  usleep(100000);
  return ATTEMPT_HELD;
}

const struct attempt kProcAttempts[] = {
    {"read_kcore", read_kcore, kPlain},
    {"read_keys", read_keys, kPlain},
    {"read_kallsyms", read_kallsyms, kPlain},
    {"read_interrupts", read_interrupts, kPlain},
    {"read_timer_list", read_timer_list, kPlain},
    {"read_sched_debug", read_sched_debug, kPlain},
    {"read_kpageflags", read_kpageflags, kPlain},
    {"write_sysrq", write_sysrq, kPlain},
    {"write_core_pattern", write_core_pattern, kPlain},
    {"write_modprobe", write_modprobe, kPlain},
    {"write_ip_forward", write_ip_forward, kPlain},
    {"write_drop_caches", write_drop_caches, kPlain},
    {"write_hostname", write_hostname, kPlain},
    {"write_binfmt", write_binfmt, kPlain},
    {"write_uevent_helper", write_uevent_helper, kPlain},
    {"write_uid_map", write_uid_map, kPlain},
    {"write_setgroups", write_setgroups, kPlain},
    {"write_release_agent", write_release_agent, kPlain},
    {"write_cgroup_procs", write_cgroup_procs, kPlain},
    {"firmware_hidden", firmware_hidden, kPlain},
    {"acpi_hidden", acpi_hidden, kPlain},
    {"scsi_hidden", scsi_hidden, kPlain},
    {"no_cgroup_written", no_cgroup_written, kPlain},
    {NULL, NULL, 0},
};

const struct attempt kProcessAttempts[] = {
    {"capability_sets", capability_sets, kPlain},
    {"capability_raise", capability_raise, kPlain},
    {"no_new_privs", no_new_privs, kPlain},
    {"seccomp_on", seccomp_on, kPlain},
    {"securebits", securebits, kPlain},
    {"setuid_other", setuid_other, kAnyErrno},
    {"setgroups_other", setgroups_other, kPlain},
    {"raise_limit", raise_limit, kPlain},
    {"raise_priority", raise_priority, kPlain},
    {"trace_init", trace_init, kPlain},
    {"read_init_memory", read_init_memory, kPlain},
    {"open_init_memory", open_init_memory, kPlain},
    {"init_environment", init_environment, kPlain},
    {"kill_outside", kill_outside, kPlain},
    {"host_processes", host_processes, kPlain},
    {"foreign_cgroup", foreign_cgroup, kPlain},
    {"kill_init", kill_init, kPlain},
    {NULL, NULL, 0},
};
