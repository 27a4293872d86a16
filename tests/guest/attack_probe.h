// attack_probe: attempts that a sandbox must refuse, one small function each.
#pragma once

#include <stddef.h>

// An attempt answers an errno (refused with it) or the value of escaped() / passed().
// `arg` is what followed '=' on the command line ("connect_abstract=NAME"), else NULL.
typedef int (*attempt_fn)(const char* arg);

enum attempt_flags {
  kPlain = 0,
  kNeedsArg = 1,     // not part of `all`: the host side prepares something and names it
  kAnyErrno = 2,     // EINVAL, EFAULT, EBADF, ESRCH, ENOEXEC and E2BIG count as a refusal too
  kDestructive = 4,  // not part of `all`: it ends the container when it is refused
};

struct attempt {
  const char* name;
  attempt_fn run;
  int flags;
};

// Tables, each ended by an entry with a NULL name.
extern const struct attempt kKernelAttempts[];
extern const struct attempt kNamespaceAttempts[];
extern const struct attempt kFileAttempts[];
extern const struct attempt kProcAttempts[];
extern const struct attempt kProcessAttempts[];
extern const struct attempt kNetworkAttempts[];

#define ATTEMPT_ESCAPED (-1)
#define ATTEMPT_HELD (-2)  // a state was looked at, and is as promised

// Records what was reached; returns ATTEMPT_ESCAPED.
int escaped(const char* format, ...) __attribute__((format(printf, 1, 2)));

// errno when `result` is negative, else ATTEMPT_ESCAPED with `what` as the detail.
int judge(long result, const char* what);

// Opens with `flags`: refused with errno, or escaped naming the path. ENOENT is a refusal.
int try_open(const char* path, int flags);

// Reads the start of `path`: refused when it cannot be opened or read, or holds nothing.
int try_read(const char* path);

// Whole small file into `buffer`, ended by NUL; the length or -1.
long slurp(const char* path, char* buffer, size_t size);

// Descriptors that belong to the probe's own harness and are no leak.
extern int g_report_fd;
