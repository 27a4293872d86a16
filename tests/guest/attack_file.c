// Attempts on files: the host's, the read-only parts of the root, devices, masks, nucleus' own
// binary.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack_probe.h"

static int write_in(const char* directory) {
  char path[256];
  snprintf(path, sizeof(path), "%s/attack-probe-file", directory);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  unlink(path);
  return escaped("a file could be made in %s", directory);
}

static int write_root(const char* arg) {
  (void)arg;
  return write_in("/");
}
static int write_usr(const char* arg) {
  (void)arg;
  return write_in("/usr");
}
static int write_etc(const char* arg) {
  (void)arg;
  return write_in("/etc");
}
static int write_dev(const char* arg) {
  (void)arg;
  return write_in("/dev");
}
static int write_passwd(const char* arg) {
  (void)arg;
  return try_open("/etc/passwd", O_WRONLY);
}
static int write_shell(const char* arg) {
  (void)arg;
  return try_open("/usr/bin/env", O_WRONLY);
}

static int chmod_shell(const char* arg) {
  (void)arg;
  return judge(chmod("/usr/bin/env", 04777), "mode of /usr/bin/env changed");
}

static int chown_shell(const char* arg) {
  (void)arg;
  return judge(chown("/usr/bin/env", 0, 0), "owner of /usr/bin/env changed");
}

static int device_in(const char* path, mode_t type, dev_t device) {
  if (mknod(path, type | 0600, device) < 0) return errno;
  unlink(path);
  return escaped("the device %s could be made", path);
}

static int make_disk(const char* arg) {
  (void)arg;
  return device_in("/tmp/disk", S_IFBLK, makedev(8, 0));
}
static int make_mem(const char* arg) {
  (void)arg;
  return device_in("/tmp/mem", S_IFCHR, makedev(1, 1));
}
static int make_kmsg(const char* arg) {
  (void)arg;
  return device_in("/dev/shm/kmsg", S_IFCHR, makedev(1, 11));
}

static int read_kmsg(const char* arg) {
  (void)arg;
  return try_read("/dev/kmsg");
}
static int open_mem(const char* arg) {
  (void)arg;
  return try_open("/dev/mem", O_RDONLY);
}
static int open_kvm(const char* arg) {
  (void)arg;
  return try_open("/dev/kvm", O_RDWR);
}
static int open_fuse(const char* arg) {
  (void)arg;
  return try_open("/dev/fuse", O_RDWR);
}
static int open_tun(const char* arg) {
  (void)arg;
  return try_open("/dev/net/tun", O_RDWR);
}
static int open_disk(const char* arg) {
  (void)arg;
  return try_open("/dev/vda", O_RDONLY);
}

static int setuid_file(const char* arg) {
  (void)arg;
  // What nucleus refuses is that the bit gives anything: no_new_privs is looked at elsewhere, the
  // mount here.
  int fd = open("/tmp/suid", O_RDWR | O_CREAT | O_CLOEXEC, 0755);
  if (fd < 0) return errno;
  close(fd);
  char mounts[65536];
  unlink("/tmp/suid");
  if (slurp("/proc/self/mountinfo", mounts, sizeof(mounts)) < 0) return errno;
  for (char* line = strtok(mounts, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    if (strstr(line, "nosuid") == NULL) return escaped("a mount without nosuid: %s", line);
  }
  return ATTEMPT_HELD;
}

static int nodev_everywhere(const char* arg) {
  (void)arg;
  char mounts[65536];
  if (slurp("/proc/self/mountinfo", mounts, sizeof(mounts)) < 0) return errno;
  for (char* line = strtok(mounts, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char path[512];
    if (sscanf(line, "%*s %*s %*s %*s %511s", path) != 1) return EINVAL;
    if (strncmp(path, "/dev", 4) == 0 || strncmp(path, "/proc/", 6) == 0 ||
        strncmp(path, "/sys/", 5) == 0)
      continue;
    if (strstr(line, "nodev") == NULL) return escaped("a mount without nodev: %s", line);
  }
  return ATTEMPT_HELD;
}

// The runtime's binary is what a container that breaks out of /proc/self/exe would overwrite: PID 1
// must not be it.
static int runtime_binary(const char* arg) {
  (void)arg;
  char path[512];
  const ssize_t size = readlink("/proc/1/exe", path, sizeof(path) - 1);
  if (size < 0) return errno;
  path[size] = '\0';
  if (strncmp(path, "/memfd:init", 11) != 0) return escaped("PID 1 is %s", path);
  int fd = open("/proc/1/exe", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    return escaped("the image of PID 1 could be opened for writing");
  }
  return ATTEMPT_HELD;
}

static int own_exe(const char* arg) {
  (void)arg;
  return try_open("/proc/self/exe", O_WRONLY);
}

static int init_root(const char* arg) {
  (void)arg;
  struct stat theirs, ours;
  if (stat("/proc/1/root", &theirs) < 0) return errno;
  if (stat("/", &ours) < 0) return errno;
  if (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
    return escaped("PID 1 has another root");
  return ATTEMPT_HELD;
}

static int init_descriptors(const char* arg) {
  (void)arg;
  for (int number = 3; number < 64; ++number) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/1/fd/%d", number);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
      close(fd);
      return escaped("descriptor %d of PID 1 could be opened", number);
    }
  }
  return ATTEMPT_HELD;
}

static int inherited_descriptors(const char* arg) {
  (void)arg;
  for (int number = 3; number < 1024; ++number) {
    if (number == g_report_fd) continue;
    if (fcntl(number, F_GETFD) >= 0) return escaped("descriptor %d was inherited", number);
  }
  return ATTEMPT_HELD;
}

static int working_directory(const char* arg) {
  (void)arg;
  char path[4096];
  if (syscall(SYS_getcwd, path, sizeof(path)) < 0) return errno;
  return strncmp(path, "(unreachable)", 13) == 0
             ? escaped("the working directory is outside: %s", path)
             : ATTEMPT_HELD;
}

static int parent_walk(const char* arg) {
  (void)arg;
  struct stat up, root;
  if (stat("../../../../../../../../../../../../..", &up) < 0 || stat("/", &root) < 0) return errno;
  return up.st_ino != root.st_ino || up.st_dev != root.st_dev
             ? escaped("'..' leads out of the root")
             : ATTEMPT_HELD;
}

// A secret that the test put on the host: not to be found by its path.
static int host_file(const char* arg) { return try_read(arg); }
static int shadow(const char* arg) {
  (void)arg;
  return try_read("/etc/shadow");
}

// A home of the container's own user may be there; nobody else's.
static int host_homes(const char* arg) {
  (void)arg;
  DIR* directory = opendir("/home");
  if (directory == NULL) return errno;
  int result = ATTEMPT_HELD;
  const struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.' && strcmp(entry->d_name, "user") != 0)
      result = escaped("/home shows %s", entry->d_name);
  }
  closedir(directory);
  return result;
}

static int docker_socket(const char* arg) {
  (void)arg;
  return try_open("/run/docker.sock", O_PATH);
}
static int run_systemd(const char* arg) {
  (void)arg;
  return try_open("/run/systemd", O_PATH);
}
static int host_boot(const char* arg) {
  (void)arg;
  return try_open("/boot", O_PATH);
}

const struct attempt kFileAttempts[] = {
    {"write_root", write_root, kPlain},
    {"write_usr", write_usr, kPlain},
    {"write_etc", write_etc, kPlain},
    {"write_dev", write_dev, kPlain},
    {"write_passwd", write_passwd, kPlain},
    {"write_shell", write_shell, kPlain},
    {"chmod_shell", chmod_shell, kPlain},
    {"chown_shell", chown_shell, kPlain},
    {"make_disk", make_disk, kPlain},
    {"make_mem", make_mem, kPlain},
    {"make_kmsg", make_kmsg, kPlain},
    {"read_kmsg", read_kmsg, kPlain},
    {"open_mem", open_mem, kPlain},
    {"open_kvm", open_kvm, kPlain},
    {"open_fuse", open_fuse, kPlain},
    {"open_tun", open_tun, kPlain},
    {"open_disk", open_disk, kPlain},
    {"setuid_file", setuid_file, kPlain},
    {"nodev_everywhere", nodev_everywhere, kPlain},
    {"runtime_binary", runtime_binary, kPlain},
    {"own_exe", own_exe, kPlain},
    {"init_root", init_root, kPlain},
    {"init_descriptors", init_descriptors, kPlain},
    {"inherited_descriptors", inherited_descriptors, kPlain},
    {"working_directory", working_directory, kPlain},
    {"parent_walk", parent_walk, kPlain},
    {"shadow", shadow, kPlain},
    {"host_homes", host_homes, kPlain},
    {"docker_socket", docker_socket, kPlain},
    {"run_systemd", run_systemd, kPlain},
    {"host_boot", host_boot, kPlain},
    {"host_file", host_file, kNeedsArg},
    {NULL, NULL, 0},
};
