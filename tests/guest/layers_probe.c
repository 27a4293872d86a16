// Looks from inside whether every layer is there: "layers: ok", or 99 and what is missing.
//
// layers_probe HOST_FILE PID_NS MNT_NS NET_NS: a file that only the host has, and the host's
// namespaces as readlink(1) shows them.
#include <dirent.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static void missing(const char* what) {
  printf("layers: MISSING %s\n", what);
  exit(99);
}

static char status[16384];

static void read_status(void) {
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, status, sizeof status - 1);
  if (got <= 0) missing("/proc/self/status");
  status[got] = '\0';
  close(fd);
}

static void want(const char* line) {
  if (strstr(status, line) == NULL) missing(line + 1);
}

static void own_namespace(const char* name, const char* hosts) {
  char path[64];
  char text[64] = {0};
  snprintf(path, sizeof path, "/proc/self/ns/%s", name);
  if (readlink(path, text, sizeof text - 1) < 0 || strcmp(text, hosts) == 0) missing(name);
}

// Only the streams: anything else came from nucleus.
static void no_descriptors(void) {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == NULL) missing("/proc/self/fd");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd <= 2 || fd == dirfd(directory)) continue;
    char path[64];
    char text[128] = "descriptor ";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, text + 11, sizeof text - 12) < 0) continue;
    missing(text);
  }
  closedir(directory);
}

// The kernel takes sixteen domains on top of each other, and tells in no other way whether one is
// there already.
static void inside_landlock(void) {
  struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_CHAR};
  const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0U);
  if (ruleset < 0) return;  // hidden from us: it is nothing that we could have come without
  int entered = 0;
  while (entered < 16 && syscall(SYS_landlock_restrict_self, ruleset, 0U) == 0) ++entered;
  close(ruleset);
  if (entered >= 16) missing("landlock");
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  read_status();
  want("\nNoNewPrivs:\t1\n");
  want("\nSeccomp:\t2\n");
  want("\nCapInh:\t0000000000000000\n");
  want("\nCapPrm:\t0000000000000000\n");
  want("\nCapEff:\t0000000000000000\n");
  want("\nCapBnd:\t0000000000000000\n");
  want("\nCapAmb:\t0000000000000000\n");
  want("\nSigBlk:\t0000000000000000\n");
  want("\nSigIgn:\t0000000000000000\n");
  own_namespace("pid", argv[2]);
  own_namespace("mnt", argv[3]);
  own_namespace("net", argv[4]);
  no_descriptors();
  if (access(argv[1], F_OK) == 0) missing("root of its own");
  struct statvfs mounted;
  if (statvfs("/proc/sys", &mounted) != 0 || (mounted.f_flag & ST_RDONLY) == 0)
    missing("read-only /proc/sys");
  struct stat info;
  if (stat("/proc/keys", &info) == 0 && !S_ISCHR(info.st_mode)) missing("mask of /proc/keys");
  if (stat("/proc/kcore", &info) == 0 && !S_ISCHR(info.st_mode)) missing("mask of /proc/kcore");
  char name[65] = {0};
  if (gethostname(name, sizeof name - 1) != 0 || strcmp(name, "nucleus") != 0) missing("host name");
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0) missing("limit of cores");
  if (getsid(0) == 0) missing("session");
  if (getpid() != 1 && readlink("/proc/1/exe", name, sizeof name) >= 0) missing("closed init");
  inside_landlock();
  printf("layers: ok\n");
  return 0;
}
