// Spawned processes: as whom, for how long, how they ended.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nucleus::bench {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
  std::string home;
};

/// The user of this name or number, "nucleus-test" when empty; nothing when there is none.
std::optional<User> find_user(const std::string& given);

/// The ids a spawned process is to have. The real and effective ids change and the saved one stays
/// root, to come back; exec copies the effective id over the saved one, so nothing of root is left
/// in the contender.
class Become {
 public:
  explicit Become(const std::optional<User>& user);
  Become(const Become&) = delete;
  Become& operator=(const Become&) = delete;
  ~Become();

 private:
  bool active_;
  std::vector<gid_t> groups_;
};

/// A command with all that posix_spawn needs made beforehand, so that nothing of it is in the time
/// measured.
class Command {
 public:
  Command(std::vector<std::string> arguments, std::optional<User> user);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  /// Its standard error goes to `error_file`, everything else to /dev/null.
  [[nodiscard]] pid_t spawn(const std::string& error_file = {}) const;

  /// By fork, not posix_spawn: exec carries the peak of the memory it replaces into ru_maxrss, and
  /// with vfork that would be the peak of this whole program.
  [[nodiscard]] pid_t fork_exec() const;

  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  [[nodiscard]] const std::optional<User>& user() const { return user_; }

 private:
  static void build(posix_spawn_file_actions_t& actions, const char* error_file);
  [[nodiscard]] pid_t spawn_with(const posix_spawn_file_actions_t& actions) const;

  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::optional<User> user_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  posix_spawn_file_actions_t quiet_{};
};

/// What a benchmark's main() returns: `run` under the handlers of stop.h, the orphans of what it
/// started taken. `name` stands before what is complained of.
int run_program(const char* name, const std::function<void()>& run);

/// As a shell counts: 128 + N for signal N.
int status_of(const siginfo_t& info);

/// Ends a process that was interrupted or hangs, politely first: a runtime then removes what it
/// made.
void end_process(pid_t pid);

/// The exit status; 255 for a process that had to be ended.
int reap(pid_t pid);

/// Takes the orphans a contender left: bwrap ends before its inner process is reaped, and an init
/// that does not reap would keep that for ever. Only while no spawned process is awaited.
void reap_orphans();

/// The same at the end, when those still ending are waited for; one that stays for 2 s is left to
/// init.
void reap_last_orphans();

/// Processes that run beside each other; ended when they are left early.
class InFlight {
 public:
  InFlight() = default;
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight();
  void add(pid_t pid) { pids_.push_back(pid); }
  [[nodiscard]] int size() const { return static_cast<int>(pids_.size()); }

  /// Waits for any one, and takes orphans on the way; its exit status.
  int take();

 private:
  std::vector<pid_t> pids_;
};

/// Nanoseconds of CLOCK_MONOTONIC.
std::int64_t now();

struct Call {
  double milliseconds = 0;
  int status = 0;
};

/// From before the spawn to after the wait.
Call timed(const Command& command);

/// Why the command does not work, or nothing if it does. `directory` is for what it says.
std::optional<std::string> trial(const Command& command, const std::string& directory);

}  // namespace nucleus::bench
