// PID 1 of a container: starts the workload, reaps what is orphaned, passes signals on, reports the
// end.
//
// Freestanding and static, a few KiB, executed from a sealed memfd: nothing of nucleus itself is
// ever mapped inside. It runs under the same seccomp filter, Landlock domain and identity as the
// workload, holds one pipe to its supervisor, and is not dumpable, so that a workload of the same
// uid can neither trace it nor look into its memory.
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "launch/child/handshake.h"
#include "launch/child/listen_pid.h"
#include "launch/init/config.h"
#include "sys/raw.h"
#include "sys/uapi.h"

namespace {

namespace raw = nucleus::sys::raw;
using nucleus::launch::child::kConfigFd;
using nucleus::launch::child::kFreeFd;
using nucleus::launch::child::kPreservedFd;
using nucleus::launch::child::kSocketFd;
using nucleus::launch::child::kWordsFd;
using nucleus::launch::child::Message;
using nucleus::launch::child::MessageKind;
using nucleus::launch::child::Step;
using nucleus::launch::init::Config;
using nucleus::launch::init::kEndAll;

constexpr std::uint64_t kEverySignal = ~0ULL;

[[noreturn]] void leave(int code) {
  for (;;) raw::call(__NR_exit_group, code);
}

// The socket until the workload runs, then the pipe. Moved in the workload's process, before what
// it is handed takes the number.
int words_fd = kSocketFd;

// With nobody at the other end SIGPIPE comes as well: blocked here, and in the workload's process,
// which has nobody else to tell, its end.
long report(const Message& message) {
  return raw::retried(__NR_write, words_fd, raw::address(&message), sizeof message);
}

[[noreturn]] void fail(Step step, long result, int code) {
  Message message{};
  message.kind = MessageKind::failed;
  message.step = step;
  message.errnum = static_cast<std::int32_t>(-result);
  report(message);
  leave(code);
}

void check(Step step, long result) {
  if (result < 0) fail(step, result, 125);
}

// Not with the supervisor: the kernel then ends this process, and with PID 1 the whole container;
// without a pid namespace it tells this process to do so.
void die_with_supervisor(int signal) {
  check(Step::parent_gone, raw::call(__NR_prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0));
  pollfd peer{.fd = kSocketFd, .events = 0, .revents = 0};
  timespec now{};
  const long ready = raw::retried(__NR_ppoll, raw::address(&peer), 1, raw::address(&now), 0, 0);
  check(Step::parent_gone, ready);
  if (ready > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0) leave(125);
}

Config* map_config() {
  Config header{};
  const long got = raw::call(__NR_pread64, kConfigFd, raw::address(&header), sizeof header, 0);
  if (got != sizeof header) fail(Step::init_config, got < 0 ? got : -5, 125);
  const long mapped = raw::call(__NR_mmap, 0, static_cast<long>(header.size),
                                PROT_READ | PROT_WRITE, MAP_PRIVATE, kConfigFd, 0);
  if (mapped < 0 && mapped > -4096) fail(Step::init_config, mapped, 125);
  raw::call(__NR_close, kConfigFd);
  auto* const config = reinterpret_cast<Config*>(mapped);
  auto* const slots = reinterpret_cast<std::uint64_t*>(config + 1);
  for (std::uint32_t index = 0; index < config->slots; ++index) {
    if (slots[index] != 0) slots[index] += static_cast<std::uint64_t>(mapped);
  }
  return config;
}

// A Landlock domain within the init's own, of scopes alone: what runs there cannot send a signal
// out of it, not to the init either, which can end it at any time. Landlock ABI 6.
void leave_init_behind() {
  const nucleus::sys::uapi::LandlockRuleset attributes = {
      .handled_access_fs = 0,
      .handled_access_net = 0,
      .scoped = nucleus::sys::uapi::kScopeSignal | nucleus::sys::uapi::kScopeAbstractUnix};
  const long ruleset =
      raw::call(__NR_landlock_create_ruleset, raw::address(&attributes), sizeof attributes, 0);
  if (ruleset < 0) fail(Step::landlock_ruleset, ruleset, 125);
  const long entered = raw::call(__NR_landlock_restrict_self, ruleset, 0);
  if (entered < 0) fail(Step::landlock_restrict, entered, 125);
  raw::call(__NR_close, ruleset);
}

// Every process of the domain but this one: the scope of signals lets kill(2) reach no other. Who
// is about to fork when the signal comes forks no more, so that once is enough.
void end_all() {
  raw::call(__NR_kill, -1, SIGKILL);
  while (raw::retried(__NR_wait4, -1, 0, 0, 0) > 0) {
  }
}

// From where the init has them to 3 and on: upwards, so that none lands on one that is still to be
// moved. What goes wrong is told through another number of the socket, which is 3.
void take_preserved(std::uint32_t count) {
  const long moved = raw::call(__NR_fcntl, kSocketFd, F_DUPFD_CLOEXEC, kFreeFd);
  check(Step::close_descriptors, moved);
  words_fd = static_cast<int>(moved);
  for (std::uint32_t index = 0; index < count; ++index) {
    check(Step::close_descriptors,
          raw::call(__NR_dup3, kPreservedFd + index, kSocketFd + index, 0));
  }
  // Those that nothing has landed on.
  constexpr std::uint32_t kMovedBy = kPreservedFd - kSocketFd;
  for (std::uint32_t index = count < kMovedBy ? 0 : count - kMovedBy; index < count; ++index)
    raw::call(__NR_close, kPreservedFd + index);
}

[[noreturn]] void execute(const Config* config) {
  if (config->subreaper != 0) leave_init_behind();
  const auto* const candidates = reinterpret_cast<const std::uint64_t*>(config + 1);
  const std::uint64_t* const argv = candidates + config->candidates + 1;
  const std::uint64_t* const envp = argv + config->arguments + 1;
  // A group of its own, so that what a terminal's user interrupts is the workload with its
  // children.
  if (config->terminal != 0) {
    check(Step::new_session, raw::call(__NR_setsid));
    check(Step::terminal, raw::call(__NR_ioctl, 0, TIOCSCTTY, 0));
  } else {
    check(Step::process_group, raw::call(__NR_setpgid, 0, 0));
  }
  if (config->preserved != 0) {
    take_preserved(config->preserved);
    nucleus::launch::child::write_listen_pid(reinterpret_cast<const char* const*>(envp));
  }
  const std::uint64_t none = 0;
  check(Step::signals,
        raw::call(__NR_rt_sigprocmask, SIG_SETMASK, raw::address(&none), 0, sizeof none));
  long result = -2 /* ENOENT */;
  for (const std::uint64_t* path = candidates; *path != 0; ++path) {
    const long tried =
        raw::call(__NR_execve, static_cast<long>(*path), raw::address(argv), raw::address(envp));
    // execvp(3): a name that is there but may not be executed is remembered, and the search goes
    // on.
    if (tried != -2 && tried != -20) result = tried;
    if (tried != -2 && tried != -20 && tried != -13) break;
  }
  fail(Step::execute, result, result == -2 ? 127 : 126);
}

[[noreturn]] void report_end(const Config* config, int status) {
  if (config->subreaper != 0) end_all();
  Message message{};
  message.kind = MessageKind::ended;
  message.signal = status & 0x7F;
  message.code = message.signal != 0 ? 128 + message.signal : (status >> 8) & 0xFF;
  report(message);
  leave(message.code);
}

void reap(const Config* config, long workload) {
  for (;;) {
    int status = 0;
    const long pid = raw::retried(__NR_wait4, -1, raw::address(&status), 1 /* WNOHANG */, 0);
    if (pid == 0) return;
    // The workload is not reaped yet, so that there is a child: what could not be asked for now
    // would never be told again.
    check(Step::wait_for_workload, pid);
    if (pid == workload) report_end(config, status);
  }
}

// What a terminal sends goes to everybody in front of it; what a program sends, to the workload
// alone.
bool from_terminal(int signal) {
  return signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP || signal == SIGHUP;
}

}  // namespace

extern "C" [[noreturn]] void nucleus_init_main() {
  check(Step::init_setup, raw::call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0));
  raw::call(__NR_prctl, PR_SET_NAME, raw::address("init"), 0, 0, 0);  // for ps(1) only
  check(Step::init_setup, raw::call(__NR_fcntl, kSocketFd, F_SETFD, FD_CLOEXEC));
  check(Step::init_setup, raw::call(__NR_fcntl, kWordsFd, F_SETFD, FD_CLOEXEC));
  const Config* const config = map_config();
  die_with_supervisor(config->subreaper != 0 ? kEndAll : SIGKILL);
  if (config->subreaper != 0)
    check(Step::init_setup, raw::call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  if (config->park != 0) {
    Message parked{};
    parked.kind = MessageKind::parked;
    report(parked);
    const long got =
        raw::retried(__NR_recvfrom, kSocketFd, raw::address(&parked), sizeof parked, 0, 0, 0);
    if (got != sizeof parked) leave(125);
  }
  // Every signal has been blocked before this was executed. Like vfork(2): this process goes on
  // when the workload has been executed, or has failed to be.
  const long workload = raw::call(__NR_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
  if (workload == 0) execute(config);
  if (workload < 0) fail(Step::fork_workload, workload, 125);
  for (std::uint32_t index = 0; index < config->preserved; ++index)
    raw::call(__NR_close, kPreservedFd + index);
  Message started{};
  started.kind = MessageKind::started;
  // A supervisor that waits for this word would wait for ever.
  if (report(started) < 0) leave(125);
  if (config->confirm != 0) {
    raw::retried(__NR_recvfrom, kSocketFd, raw::address(&started), sizeof started, 0, 0, 0);
  }
  raw::call(__NR_close, kSocketFd);
  words_fd = kWordsFd;
  for (;;) {
    siginfo_t info{};
    const long signal = raw::call(__NR_rt_sigtimedwait, raw::address(&kEverySignal),
                                  raw::address(&info), 0, sizeof kEverySignal);
    if (signal == SIGCHLD) {
      reap(config, workload);
    } else if (signal == kEndAll && config->subreaper != 0) {
      report_end(config, SIGKILL);
    } else if (signal > 0) {
      raw::call(__NR_kill, from_terminal(static_cast<int>(signal)) ? -workload : workload, signal);
    }
  }
}

#if defined(__x86_64__)
asm(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call nucleus_init_main\n hlt\n");
#else
asm(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n bl nucleus_init_main\n brk #0\n");
#endif

// The compiler may call these for structures; there is no libc here to bring them.
extern "C" void* memset(void* target, int byte, unsigned long size) {
  auto* at = static_cast<volatile unsigned char*>(target);
  for (unsigned long index = 0; index < size; ++index) at[index] = static_cast<unsigned char>(byte);
  return target;
}
extern "C" void* memcpy(void* target, const void* source, unsigned long size) {
  auto* at = static_cast<volatile unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  for (unsigned long index = 0; index < size; ++index) at[index] = from[index];
  return target;
}
