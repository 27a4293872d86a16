#include "faults/tracer.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>

#include "faults/call_names.h"

namespace nucleus::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(40);

#if defined(__x86_64__)
// At entry: another call instead, one that does nothing. Not -1, which a seccomp filter would be
// asked about.
// brk has no error: one that is not granted answers with the old end, as a question for it does.
void skip_call(pid_t pid) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  if (registers.orig_rax == SYS_brk) {
    registers.rdi = 0;
  } else {
    registers.orig_rax = SYS_getpid;
  }
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
}
void set_result(pid_t pid, long result) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  registers.rax = static_cast<unsigned long long>(result);
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
}
void refuse_brk(pid_t pid, std::uint64_t argument) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  registers.rdi = argument;  // libc compares with it
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
}
#else
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif
void skip_call(pid_t pid) {
  int number = SYS_getpid;
  iovec part{.iov_base = &number, .iov_len = sizeof number};
  ::ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
}
void set_result(pid_t pid, long result) {
  user_regs_struct registers{};
  iovec part{.iov_base = &registers, .iov_len = sizeof registers};
  ::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
  registers.regs[0] = static_cast<unsigned long long>(result);
  ::ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
}
#endif

#if !defined(__x86_64__)
void refuse_brk(pid_t pid, std::uint64_t /*argument*/) { set_result(pid, 0); }
#endif

void wake_up(int /*signal*/) {}

// waitpid(2) is to come back now and then, so that a deadline is noticed.
class Ticks {
 public:
  Ticks() {
    struct sigaction action{};
    action.sa_handler = wake_up;
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval every{.it_interval = {.tv_sec = 1, .tv_usec = 0},
                          .it_value = {.tv_sec = 1, .tv_usec = 0}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;
  ~Ticks() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_{};
};

std::string contents(int fd) {
  std::string text(static_cast<std::size_t>(std::max<off_t>(::lseek(fd, 0, SEEK_END), 0)), '\0');
  text.resize(
      static_cast<std::size_t>(std::max<ssize_t>(::pread(fd, text.data(), text.size(), 0), 0)));
  return text;
}

std::string comm(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm") >> std::ws, name);
  return std::to_string(pid) + " " + name;
}

class Tracer {
 public:
  Tracer(const Command& command, const std::optional<Fault>& fault, const std::optional<Kill>& kill)
      : command_(command), fault_(fault), kill_(kill) {}

  Traced run() {
    const int out = ::memfd_create("out", MFD_CLOEXEC);
    const int err = ::memfd_create("err", MFD_CLOEXEC);
    start(out, err);
    const Ticks ticks;
    deadline_ = Clock::now() + kPatience * slowness();
    while (step()) {
    }
    result_.ended.out = contents(out);
    result_.ended.err = contents(err);
    ::close(out);
    ::close(err);
    return std::move(result_);
  }

 private:
  struct Tracee {
    Part part = Part::other;
    bool known = false;    // its parent's word of it has come
    bool waiting = false;  // stopped until then
    bool answer = false;   // the call that it is in gets our errno
    bool leaving = false;  // somebody dies when it comes back from this call
    Call call;
  };

  void start(int out, int err) {
    int gate[2] = {-1, -1};
    if (::pipe2(gate, O_CLOEXEC) < 0) std::abort();
    std::vector<std::string> words = command_.words;
    std::vector<std::string> env = command_.env;
    std::vector<char*> argv, envp;
    for (std::string& word : words) argv.push_back(word.data());
    for (std::string& text : env) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    const std::string& program = nucleus_path();
    main_ = ::fork();
    if (main_ == 0) {
      char go = 0;
      if (::read(gate[0], &go, 1) != 1) ::_exit(96);
      const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::dup2(nothing, 0);
      ::dup2(out, 1);
      ::dup2(err, 2);
      become(command_.who);
      if (::chdir(command_.directory.c_str()) != 0) ::_exit(98);
      ::execve(program.c_str(), argv.data(), envp.data());
      ::_exit(97);
    }
    ::close(gate[0]);
    constexpr unsigned long kOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                                       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
                                       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    if (main_ < 0 || ::ptrace(PTRACE_SEIZE, main_, nullptr, kOptions) < 0) std::abort();
    tracees_[main_] = {.part = Part::other, .known = true, .call = {}};
    if (::write(gate[1], "g", 1) != 1) std::abort();
    ::close(gate[1]);
  }

  // Once what was wanted has happened, only births and deaths are of interest.
  void resume(pid_t pid, int signal = 0) {
    const Tracee& tracee = tracees_[pid];
    const bool watched = tracee.part != Part::other && tracee.part != Part::workload;
    const bool pending = tracee.answer || tracee.leaving;
    const bool all = (watched && !result_.struck) || pending;
    ::ptrace(all ? PTRACE_SYSCALL : PTRACE_CONT, pid, nullptr, signal);
  }

  bool step() {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == ECHILD) return false;
    if (Clock::now() > deadline_) give_up();
    if (pid < 0) return true;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      ended(pid, status);
    } else if (WIFSTOPPED(status)) {
      stopped(pid, status);
    }
    return true;
  }

  void ended(pid_t pid, int status) {
    tracees_.erase(pid);
    if (pid != main_) return;
    result_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result_.ended.code = result_.signal != 0 ? 128 + result_.signal : WEXITSTATUS(status);
    nucleus_ended_ = true;
    // What nucleus leaves behind dies now, or not at all.
    deadline_ = Clock::now() + kPatience / 4 * slowness();
  }

  void give_up() {
    result_.hung = result_.hung || !nucleus_ended_;
    for (const auto& [pid, tracee] : tracees_) {
      result_.left.push_back(std::string(part_name(tracee.part)) + " " + comm(pid));
      ::kill(pid, SIGKILL);
    }
    deadline_ = Clock::now() + kPatience;
  }

  void stopped(pid_t pid, int status) {
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    Tracee& tracee = tracees_[pid];
    if (signal == (SIGTRAP | 0x80)) return at_call(pid, tracee);
    if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
      born(pid, event);
    } else if (event == PTRACE_EVENT_EXEC) {
      executed(tracee);
    } else if (event == PTRACE_EVENT_STOP) {
      if (!tracee.known) {
        tracee.waiting = true;
        return;
      }
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
        return;
      }
    } else if (event == 0) {
      return resume(pid, signal);
    }
    resume(pid);
  }

  void born(pid_t parent, int event) {
    unsigned long message = 0;
    ::ptrace(PTRACE_GETEVENTMSG, parent, nullptr, &message);
    const auto pid = static_cast<pid_t>(message);
    Tracee& tracee = tracees_[pid];
    tracee.known = true;
    tracee.part = part_of_child(tracees_[parent].part, event);
    if (tracee.part == Part::child) container_ = pid;
    if (tracee.part == Part::starter) workload_ = pid;
    if (tracee.waiting) {
      tracee.waiting = false;
      resume(pid);
    }
  }

  Part part_of_child(Part parent, int event) {
    switch (parent) {
      case Part::nucleus:
        if (event == PTRACE_EVENT_VFORK) return Part::spawn;
        return container_ == 0 ? Part::child : Part::copier;
      case Part::init: return Part::starter;
      case Part::workload: return Part::workload;
      default: return Part::other;
    }
  }

  void executed(Tracee& tracee) {
    switch (tracee.part) {
      case Part::other:
        // Ours, which becomes nucleus; libc's own beginning is none of it (see at_call).
        if (!started_) tracee.part = Part::nucleus;
        started_ = true;
        break;
      case Part::spawn: tracee.part = Part::other; break;
      case Part::child:
        tracee.part = command_.without_init ? Part::workload : Part::init;
        if (command_.without_init) workload_ = container_;
        break;
      case Part::starter: tracee.part = Part::workload; break;
      default: break;
    }
  }

  void at_call(pid_t pid, Tracee& tracee) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      entering(pid, tracee, info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      if (tracee.answer && tracee.call.number == SYS_brk) {
        refuse_brk(pid, tracee.call.args[0]);
      } else if (tracee.answer) {
        set_result(pid, -fault_->errnum);
      }
      const bool kills = tracee.leaving;
      tracee.answer = tracee.leaving = false;
      if (kills) strike(tracee.call);
    }
    resume(pid);
  }

  void entering(pid_t pid, Tracee& tracee, const __ptrace_syscall_info& info) {
    Call& call = tracee.call;
    call.part = tracee.part;
    call.number = static_cast<long>(info.entry.nr);
    for (std::size_t index = 0; index < 6; ++index) call.args[index] = info.entry.args[index];
    // The first thing that main() does is to look at the streams: before, it is libc's beginning,
    // which has no way to tell anybody of a failure.
    if (pid == main_ && !in_main_) {
      in_main_ = call.number == SYS_fcntl && call.args[0] == 0 && call.args[1] == F_GETFD;
      if (!in_main_) return;
    }
    if (tracee.part == Part::other || tracee.part == Part::workload || result_.struck) return;
    call.index = counts_[tracee.part]++;
    if (!fault_ && !kill_) result_.calls.push_back(call);
    if (fault_ && fault_->part == call.part && fault_->index == call.index) {
      if (call.number != SYS_close) skip_call(pid);
      tracee.answer = true;
      result_.struck = call;
    }
    if (kill_ && kill_->part == call.part && kill_->index == call.index) {
      if (kill_->leaving) {
        tracee.leaving = true;
      } else {
        strike(call);
      }
    }
  }

  void strike(const Call& call) {
    const pid_t victim = kill_->victim == Part::nucleus ? main_
                         : kill_->victim == Part::init  ? container_
                                                        : workload_;
    if (victim == 0 || tracees_.find(victim) == tracees_.end()) return;
    result_.struck = call;
    ::kill(victim, SIGKILL);
  }

  const Command& command_;
  const std::optional<Fault>& fault_;
  const std::optional<Kill>& kill_;
  Traced result_;
  std::map<pid_t, Tracee> tracees_;
  std::map<Part, unsigned> counts_;
  pid_t main_ = 0, container_ = 0, workload_ = 0;
  bool started_ = false, in_main_ = false, nucleus_ended_ = false;
  Clock::time_point deadline_;
};

}  // namespace

const char* part_name(Part part) {
  switch (part) {
    case Part::nucleus: return "nucleus";
    case Part::spawn: return "spawn";
    case Part::copier: return "copier";
    case Part::child: return "child";
    case Part::init: return "init";
    case Part::starter: return "starter";
    case Part::workload: return "workload";
    case Part::other: return "other";
  }
  return "?";
}

std::string text_of(const Call& call) {
  const char* const name = call_name(call.number);
  std::string text = std::string(part_name(call.part)) + " " + std::to_string(call.index) + " " +
                     (name != nullptr ? name : std::to_string(call.number)) + "(";
  for (std::size_t index = 0; index < 3; ++index)
    text += (index == 0 ? "" : ", ") + std::to_string(static_cast<long>(call.args[index]));
  return text + ")";
}

Traced trace(const Command& command, const std::optional<Fault>& fault,
             const std::optional<Kill>& kill) {
  return Tracer(command, fault, kill).run();
}

}  // namespace nucleus::test
