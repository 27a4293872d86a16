// System calls whose use the sandbox must refuse whatever their arguments: kernel code, keys,
// devices, clocks.
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/tiocl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/personality.h>
#include <sys/quota.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "attack_probe.h"

#define UNUSED __attribute__((unused))

static int bpf_map_create(UNUSED const char* arg) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4;
  attr.value_size = 4;
  attr.max_entries = 1;
  return judge(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)), "a bpf map was made");
}

static int bpf_prog_load(UNUSED const char* arg) {
  const struct bpf_insn body[2] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                                   {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attr.insn_cnt = 2;
  attr.insns = (uint64_t)(uintptr_t)body;
  attr.license = (uint64_t)(uintptr_t)"GPL";
  return judge(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "a bpf program was loaded");
}

// No segments: on success it would only forget a loaded image.
static int kexec_load(UNUSED const char* arg) {
  return judge(syscall(SYS_kexec_load, 0, 0, NULL, 0), "kexec_load went through");
}

static int kexec_file_load(UNUSED const char* arg) {
  return judge(syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, 0UL), "kexec_file_load");
}

static int init_module(UNUSED const char* arg) {
  char image[64] = "not a module";
  return judge(syscall(SYS_init_module, image, sizeof(image), ""), "init_module went through");
}

static int finit_module(UNUSED const char* arg) {
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  return judge(syscall(SYS_finit_module, fd, "", 0), "finit_module went through");
}

static int delete_module(UNUSED const char* arg) {
  return judge(syscall(SYS_delete_module, "nucleus_no_such_module", O_NONBLOCK), "delete_module");
}

static int keyctl_session(UNUSED const char* arg) {
  return judge(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1),
               "a session keyring was reached");
}

static int add_key(UNUSED const char* arg) {
  return judge(syscall(SYS_add_key, "user", "nucleus-probe", "x", 1UL, KEY_SPEC_PROCESS_KEYRING),
               "a key was added");
}

static int request_key(UNUSED const char* arg) {
  long key = syscall(SYS_request_key, "user", "nucleus-probe-none", NULL, 0);
  if (key < 0 && errno == ENOKEY) return escaped("keys could be searched");
  return judge(key, "a key was found");
}

static int perf_event_open(UNUSED const char* arg) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.size = sizeof(attr);
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  return judge(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL), "a counter was opened");
}

static int userfaultfd(UNUSED const char* arg) {
  return judge(syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */ | O_CLOEXEC), "userfaultfd");
}

static int io_uring_setup(UNUSED const char* arg) {
  struct io_uring_params params;
  memset(&params, 0, sizeof(params));
  return judge(syscall(SYS_io_uring_setup, 4, &params), "a ring was made");
}

static int io_uring_enter(UNUSED const char* arg) {
  return judge(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0UL), "io_uring_enter");
}

static int open_by_handle(UNUSED const char* arg) {
  struct {
    struct file_handle head;
    unsigned char id[MAX_HANDLE_SZ];
  } handle;
  memset(&handle, 0, sizeof(handle));
  handle.head.handle_bytes = 8;
  handle.head.handle_type = 1;  // FILEID_INO32_GEN: inode 2 is the root of an ext file system
  handle.id[0] = 2;
  int mount_fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  long fd = syscall(SYS_open_by_handle_at, mount_fd, &handle, O_RDONLY);
  if (fd < 0 && errno == ESTALE) return escaped("a file handle was looked up");
  return judge(fd, "a file was opened by handle (shocker)");
}

static int name_to_handle(UNUSED const char* arg) {
  struct {
    struct file_handle head;
    unsigned char id[MAX_HANDLE_SZ];
  } handle;
  int mount_id = 0;
  memset(&handle, 0, sizeof(handle));
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  return judge(syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", &handle, &mount_id, 0),
               "a handle of /usr was given out");
}

static int fanotify(UNUSED const char* arg) {
  return judge(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_FID, O_RDONLY), "fanotify");
}

static int reboot_call(UNUSED const char* arg) {
  // An unknown command: the right is asked for before the command is looked at, and nothing would
  // happen.
  return judge(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x12345, NULL),
               "reboot");
}

static int swapon_call(UNUSED const char* arg) {
  long result = swapon("/nucleus-no-such-swap", 0);
  if (result < 0 && errno == ENOENT) return escaped("swapon looked for its file");
  return judge(result, "swapon");
}

static int acct_call(UNUSED const char* arg) {
  long result = acct("/nucleus-no-such-file");
  if (result < 0 && errno == ENOENT) return escaped("acct looked for its file");
  return judge(result, "acct");
}

static int quotactl_call(UNUSED const char* arg) {
  long result = quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL);
  return judge(result, "quotactl");
}

static int syslog_read(UNUSED const char* arg) {
  char buffer[256];
  return judge(klogctl(3 /* READ_ALL */, buffer, sizeof(buffer)), "the kernel log was read");
}

static int vhangup_call(UNUSED const char* arg) {
  setsid();  // without a terminal, should it go through
  return judge(vhangup(), "vhangup");
}

static int clock_adjust(UNUSED const char* arg) {
  struct timex now;
  memset(&now, 0, sizeof(now));
  if (adjtimex(&now) < 0) return errno;
  now.modes = ADJ_FREQUENCY;  // to what it already is
  return judge(adjtimex(&now), "the host's clock was steered");
}

static int clock_set(UNUSED const char* arg) {
  // A clock that nobody can set: the kernel itself would answer EINVAL, so EPERM is the filter's.
  const struct timespec then = {.tv_sec = 1, .tv_nsec = 0};
  return judge(syscall(SYS_clock_settime, 6 /* CLOCK_MONOTONIC_COARSE */, &then),
               "the clock was set");
}

static int lookup_dcookie(UNUSED const char* arg) {
  char buffer[64];
  return judge(syscall(SYS_lookup_dcookie, 1UL, buffer, sizeof(buffer)), "lookup_dcookie");
}

static int personality_of(unsigned long wanted) {
  long before = personality(0xffffffff);
  long result = personality(wanted);
  if (result < 0) return errno;
  long after = personality(0xffffffff);
  return escaped("personality went from %#lx to %#lx", (unsigned long)before, (unsigned long)after);
}

static int personality_exec(UNUSED const char* arg) { return personality_of(READ_IMPLIES_EXEC); }

static int personality_page_zero(UNUSED const char* arg) { return personality_of(MMAP_PAGE_ZERO); }

static int personality_combined(UNUSED const char* arg) {
  return personality_of(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | ADDR_COMPAT_LAYOUT);
}

// A terminal of our own, made the controlling one of a session of our own.
static int own_terminal(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) return -1;
  const char* name = ptsname(master);
  if (name == NULL) return -1;
  setsid();
  int slave = open(name, O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (slave >= 0) ioctl(slave, TIOCSCTTY, 0);
  return slave;
}

static int terminal_ioctl(unsigned long request, void* argument, const char* what) {
  int terminal = own_terminal();
  if (terminal < 0) return escaped("no terminal to try it on: %s", strerrorname_np(errno));
  long result = syscall(SYS_ioctl, terminal, request, argument);
  return judge(result, what);
}

static int tiocsti(UNUSED const char* arg) {
  char key = 'x';
  int verdict = terminal_ioctl(TIOCSTI, &key, "a key was typed into a terminal");
  // EIO is the kernel's own switch (dev.tty.legacy_tiocsti=0): not our doing.
  return verdict == EIO ? escaped("only the host's sysctl stood in the way") : verdict;
}

// CVE-2019-10063: the kernel ignores the upper half of the request, a careless filter compares it.
static int tiocsti_high_bits(UNUSED const char* arg) {
  char key = 'x';
  int verdict = terminal_ioctl(TIOCSTI | (1UL << 32), &key, "a key was typed into a terminal");
  return verdict == EIO ? escaped("only the host's sysctl stood in the way") : verdict;
}

static int tioclinux(UNUSED const char* arg) {
  char code = TIOCL_GETSHIFTSTATE;
  int verdict = terminal_ioctl(TIOCLINUX, &code, "TIOCLINUX");
  return verdict == ENOTTY ? escaped("the terminal's driver was asked") : verdict;
}

static int tioclinux_high_bits(UNUSED const char* arg) {
  char code = TIOCL_GETSHIFTSTATE;
  int verdict = terminal_ioctl(TIOCLINUX | (7UL << 40), &code, "TIOCLINUX");
  return verdict == ENOTTY ? escaped("the terminal's driver was asked") : verdict;
}

static int tiocsetd(UNUSED const char* arg) {
  int discipline = 0;
  return terminal_ioctl(TIOCSETD, &discipline, "a line discipline was chosen");
}

static int move_pages_call(UNUSED const char* arg) {
  void* page = &page;
  int status = 0;
  return judge(syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0), "move_pages");
}

#if defined(__x86_64__)
static int iopl_call(UNUSED const char* arg) { return judge(iopl(3), "I/O privilege level 3"); }

static int ioperm_call(UNUSED const char* arg) {
  return judge(ioperm(0x80, 1, 1), "an I/O port was opened");
}

static int modify_ldt_call(UNUSED const char* arg) {
  struct user_desc entry;
  memset(&entry, 0, sizeof(entry));
  entry.limit = 0xfffff;
  entry.seg_32bit = 1;
  entry.limit_in_pages = 1;
  return judge(syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)), "a segment was written");
}

// The other doors into the kernel: a filter that looks at numbers only must shut them.
static int x32_call(UNUSED const char* arg) {
  long result = syscall(0x40000000L | SYS_getpid);
  return judge(result, "an x32 call was served");
}

static int i386_getpid(UNUSED const char* arg) {
  // int 0x80 with getpid of i386 (20): on x86-64 the same number is writev.
  long result = 0;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  if (result < 0) return (int)-result;
  return escaped("an i386 call was served: %ld", result);
}
#endif

const struct attempt kKernelAttempts[] = {
    {"bpf_map_create", bpf_map_create, kPlain},
    {"bpf_prog_load", bpf_prog_load, kPlain},
    {"kexec_load", kexec_load, kPlain},
    {"kexec_file_load", kexec_file_load, kPlain},
    {"init_module", init_module, kPlain},
    {"finit_module", finit_module, kPlain},
    {"delete_module", delete_module, kPlain},
    {"keyctl_session", keyctl_session, kPlain},
    {"add_key", add_key, kPlain},
    {"request_key", request_key, kPlain},
    {"perf_event_open", perf_event_open, kPlain},
    {"userfaultfd", userfaultfd, kPlain},
    {"io_uring_setup", io_uring_setup, kPlain},
    {"io_uring_enter", io_uring_enter, kPlain},
    {"open_by_handle", open_by_handle, kPlain},
    {"name_to_handle", name_to_handle, kPlain},
    {"fanotify", fanotify, kPlain},
    {"reboot", reboot_call, kPlain},
    {"swapon", swapon_call, kPlain},
    {"acct", acct_call, kPlain},
    {"quotactl", quotactl_call, kPlain},
    {"syslog_read", syslog_read, kPlain},
    {"vhangup", vhangup_call, kPlain},
    {"clock_adjust", clock_adjust, kPlain},
    {"clock_set", clock_set, kPlain},
    {"lookup_dcookie", lookup_dcookie, kPlain},
    {"personality_exec", personality_exec, kPlain},
    {"personality_page_zero", personality_page_zero, kPlain},
    {"personality_combined", personality_combined, kPlain},
    {"tiocsti", tiocsti, kPlain},
    {"tiocsti_high_bits", tiocsti_high_bits, kPlain},
    {"tioclinux", tioclinux, kPlain},
    {"tioclinux_high_bits", tioclinux_high_bits, kPlain},
    {"tiocsetd", tiocsetd, kPlain},
    {"move_pages", move_pages_call, kPlain},
#if defined(__x86_64__)
    {"iopl", iopl_call, kPlain},
    {"ioperm", ioperm_call, kPlain},
    {"modify_ldt", modify_ldt_call, kPlain},
    {"x32_call", x32_call, kPlain},
    {"i386_call", i386_getpid, kPlain},
#endif
    {NULL, NULL, 0},
};
