// One run of a container, from a checked spec to nothing left: decided, recorded, started, ended,
// judged. In the foreground `run` lives one; a supervisor lives one after the other.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "container/decision.h"
#include "container/private_directory.h"
#include "container/record.h"
#include "container/running.h"
#include "container/terminal.h"
#include "resources/cgroup.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"
#include "sys/event_loop.h"

namespace nucleus::container {

struct LifeOptions {
  std::string id;
  isolation::Caller caller;
  std::string state_root;  // opened: open_state_root()
  bool report = false;     // measure usage, read back the layers
  bool confirm = false;    // start() comes back after the workload's execve, never before
  bool named = true;       // the record takes the spec's name; a store has taken it otherwise
  bool park = false;       // stop before the workload's execve, until release()
  Terminal::Size terminal = {};
  /// Waits until a descriptor can be read, or so long (negative: for ever); whether it can. An
  /// error gives up the start.
  std::function<Result<bool>(int fd, std::chrono::milliseconds patience)> await;
  /// Told what takes long, and "" when that is over. May be empty.
  std::function<void(const std::string&)> progress;
};

class Life {
 public:
  Life(sys::EventLoop& loop, const spec::ContainerSpec& spec, LifeOptions options);
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life();

  /// To the running (or parked) workload. Errors: what failed; nothing is left then.
  /// `ended` as in Running.
  [[nodiscard]] Result<> start(Running::Ended ended);

  /// Lets a parked workload go. Errors: its command cannot be executed, ...
  [[nodiscard]] Result<> release();

  /// Only between a start and the end of it.
  [[nodiscard]] Running& running() { return *running_; }
  [[nodiscard]] bool is_running() const { return running_.has_value(); }
  [[nodiscard]] resources::Cgroup& cgroup() { return cgroup_; }
  [[nodiscard]] const Decision& decision() const { return decision_; }

  /// Removes what this run made, and says how it ended; `facts` from `ended`, or the error of a
  /// start.
  [[nodiscard]] spec::Outcome finish(const Result<EndFacts>& facts);

  /// What the user should see at once; also among the outcome's notes.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Result<> prepare();
  Result<launch::Launched> launch();
  Result<> copy_context_to_private();
  Result<> write_id_file();
  Result<> write_pid_file();
  [[nodiscard]] launch::Hooks hooks();
  void read_back(pid_t pid);
  void run_late(const std::vector<OciHook>& hooks, const char* status, pid_t pid);
  [[nodiscard]] HookState hook_state(const char* status, pid_t pid) const;
  void clear_up();

  sys::EventLoop& loop_;
  const spec::ContainerSpec& spec_;
  LifeOptions options_;
  spec::Outcome outcome_;
  std::vector<std::string> warnings_;
  Decision decision_;
  Record record_;
  PrivateDirectory private_;
  bool launched_ = false;
  bool wrote_id_ = false;
  bool wrote_pid_ = false;
  resources::Cgroup cgroup_;  // after the record: gone before it
  std::optional<Running> running_;
  sys::EventLoop::Clock::time_point started_;
};

/// The outcome of a run that came to nothing, for this reason.
[[nodiscard]] spec::Outcome never_begun(const std::string& id, const spec::ContainerSpec& spec,
                                        const Error& error);

}  // namespace nucleus::container
