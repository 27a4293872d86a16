// One look at a container after the other: a command inside, joined to it as by exec, or a
// connection from inside its network namespace. At most one at a time; when it is over, everything
// that came of it is killed.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "container/life.h"
#include "resources/cgroup.h"
#include "spec/container_spec.h"
#include "sys/event_loop.h"
#include "sys/process.h"

namespace nucleus::supervisor {

class Prober {
 public:
  struct Answer {
    bool good = false;
    std::string output;  // what it said: at most 4 KiB, printable; or why it failed
  };
  using Done = std::function<void(Answer)>;

  /// `name`: of its cgroup below the container's.
  Prober(sys::EventLoop& loop, const spec::ContainerSpec& spec, const spec::Probe& probe,
         container::Life& life, std::string name);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  /// Kills what still runs, and tells nobody.
  ~Prober();

  /// `done` is called from the loop, never from here. A look that takes longer than `timeout` is
  /// killed with its whole tree. setns(2) with a pidfd: kernel 5.8.
  void begin(std::chrono::milliseconds timeout, Done done);

 private:
  Result<> start();
  Result<sys::Child> start_command(int output);
  Result<sys::Child> start_connection(int output);
  void read_output();
  void kill_tree();
  void end();
  void answer(bool good);

  sys::EventLoop& loop_;
  const spec::ContainerSpec& spec_;
  const spec::Probe& probe_;
  container::Life& life_;
  std::string name_;
  resources::Leaf leaf_;  // kept from one look to the next
  bool has_leaf_ = false;
  sys::Child process_;
  sys::UniqueFd output_;
  std::string text_;
  std::chrono::milliseconds timeout_{};
  bool timed_out_ = false;
  sys::EventLoop::Id ended_ = 0, heard_ = 0, timer_ = 0;
  Done done_;
};

/// What a terminal may show of foreign text: its first 4 KiB, control characters (of C1 too) but
/// tabs and newlines replaced, without newlines at the end.
[[nodiscard]] std::string probe_text(const std::string& text);

}  // namespace nucleus::supervisor
