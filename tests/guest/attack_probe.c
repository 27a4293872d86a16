// attack_probe [NAME | NAME=ARG | all | list]…: each attempt in a child of its own, one line each:
//
//   NAME refused ERRNO      the kernel said no
//   NAME held               a state that was looked at is as promised
//   NAME killed SIGSYS      the sandbox ended the attempt
//   NAME ESCAPED detail     it went through: exit status 1
//
// Ends with 0 when nothing escaped, 1 when something did, 2 when it was called wrongly.
#define _GNU_SOURCE
#include "attack_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int g_report_fd = -1;
static char g_detail[400];

static const struct attempt* const kTables[] = {kKernelAttempts,  kNamespaceAttempts,
                                                kFileAttempts,    kProcAttempts,
                                                kProcessAttempts, kNetworkAttempts};
enum { kTableCount = sizeof(kTables) / sizeof(kTables[0]) };

int escaped(const char* format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(g_detail, sizeof(g_detail), format, args);
  va_end(args);
  for (char* at = g_detail; *at != '\0'; ++at) {
    if (*at == '\n') *at = ' ';
  }
  return ATTEMPT_ESCAPED;
}

int judge(long result, const char* what) { return result < 0 ? errno : escaped("%s", what); }

int try_open(const char* path, int flags) {
  int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (fd < 0) return errno;
  close(fd);
  return escaped("%s could be opened (flags 0%o)", path, (unsigned)flags);
}

int try_read(const char* path) {
  char buffer[64];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return errno;
  ssize_t got = read(fd, buffer, sizeof(buffer));
  int error = errno;
  close(fd);
  if (got < 0) return error;
  return got == 0 ? ATTEMPT_HELD : escaped("%s could be read", path);
}

long slurp(const char* path, char* buffer, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t used = 0;
  while (used + 1 < size) {
    ssize_t got = read(fd, buffer + used, size - 1 - used);
    if (got < 0) {
      int error = errno;
      close(fd);
      errno = error;
      return -1;
    }
    if (got == 0) break;
    used += (size_t)got;
  }
  buffer[used] = '\0';
  close(fd);
  return (long)used;
}

// An answer about the arguments means that the asker was let through.
static int about_arguments(int error) {
  return error == EINVAL || error == EFAULT || error == EBADF || error == ESRCH ||
         error == ENOEXEC || error == E2BIG;
}

static void attempt_in_child(const struct attempt* attempt, const char* arg) {
  alarm(20);
  errno = 0;
  int verdict = attempt->run(arg);
  if (verdict == ATTEMPT_ESCAPED) {
    dprintf(g_report_fd, "ESCAPED %s", g_detail);
  } else if (verdict == ATTEMPT_HELD) {
    dprintf(g_report_fd, "held");
  } else if (verdict <= 0) {
    dprintf(g_report_fd, "ESCAPED no errno");
  } else if (about_arguments(verdict) && (attempt->flags & kAnyErrno) == 0) {
    dprintf(g_report_fd, "ESCAPED it got as far as %s", strerrorname_np(verdict));
  } else {
    dprintf(g_report_fd, "refused %s", strerrorname_np(verdict));
  }
  _exit(0);
}

// 0 when refused.
static int run_attempt(const struct attempt* attempt, const char* arg) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) {
    perror("attack_probe: pipe2");
    return 1;
  }
  pid_t child = fork();
  if (child < 0) {
    perror("attack_probe: fork");
    return 1;
  }
  if (child == 0) {
    close(ends[0]);
    g_report_fd = ends[1];
    attempt_in_child(attempt, arg);
  }
  close(ends[1]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  char report[sizeof(g_detail) + 64] = "";
  size_t used = 0;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);  // a grandchild that lives on must not hold us
  for (;;) {
    ssize_t got = read(ends[0], report + used, sizeof(report) - 1 - used);
    if (got <= 0) break;
    used += (size_t)got;
  }
  report[used] = '\0';
  close(ends[0]);
  if (WIFSIGNALED(status)) {
    int sig = WTERMSIG(status);
    if (sig == SIGSYS || sig == SIGKILL) {
      printf("%s killed SIG%s\n", attempt->name, sigabbrev_np(sig));
      return 0;
    }
    printf("%s ESCAPED the probe died of SIG%s: nothing was shown\n", attempt->name,
           sigabbrev_np(sig));
    return 1;
  }
  if (used == 0) {
    printf("%s ESCAPED the probe ended without a verdict\n", attempt->name);
    return 1;
  }
  printf("%s %s\n", attempt->name, report);
  return strncmp(report, "ESCAPED", 7) == 0;
}

static int run_all(void) {
  int bad = 0;
  for (int table = 0; table < kTableCount; ++table) {
    for (const struct attempt* at = kTables[table]; at->name != NULL; ++at) {
      if ((at->flags & (kNeedsArg | kDestructive)) == 0) bad |= run_attempt(at, NULL);
    }
  }
  return bad;
}

static void list_all(void) {
  for (int table = 0; table < kTableCount; ++table) {
    for (const struct attempt* at = kTables[table]; at->name != NULL; ++at) {
      if ((at->flags & (kNeedsArg | kDestructive)) == 0) puts(at->name);
    }
  }
}

static const struct attempt* find(const char* name, size_t length) {
  for (int table = 0; table < kTableCount; ++table) {
    for (const struct attempt* at = kTables[table]; at->name != NULL; ++at) {
      if (strlen(at->name) == length && strncmp(at->name, name, length) == 0) return at;
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int bad = 0;
  for (int index = 1; index < argc; ++index) {
    const char* word = argv[index];
    if (strcmp(word, "all") == 0) {
      bad |= run_all();
    } else if (strcmp(word, "list") == 0) {
      list_all();
    } else {
      size_t length = strcspn(word, "=");
      const char* arg = word[length] == '=' ? word + length + 1 : NULL;
      const struct attempt* attempt = find(word, length);
      if (attempt == NULL || ((attempt->flags & kNeedsArg) != 0) != (arg != NULL)) {
        fprintf(stderr, "attack_probe: no such attempt, or its argument is wrong: %s\n", word);
        return 2;
      }
      bad |= run_attempt(attempt, arg);
    }
  }
  if (argc < 2) {
    fprintf(stderr, "attack_probe: name attempts, or 'all', or 'list'\n");
    return 2;
  }
  return bad;
}
