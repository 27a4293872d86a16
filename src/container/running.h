// A workload that runs, watched on somebody's event loop: the time is kept, limits are looked at,
// signals are handed on, until it and everything in its pid namespace is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "container/ending.h"
#include "container/metadata.h"
#include "launch/launch_plan.h"
#include "launch/parent.h"
#include "resources/cgroup.h"
#include "sys/event_loop.h"

namespace nucleus::container {

class Running {
 public:
  /// Called once: how it ended, or the error when it turns out never to have been started. The
  /// object must not be destroyed from within.
  using Ended = std::function<void(Result<EndFacts>)>;

  Running(sys::EventLoop& loop, const launch::LaunchPlan& plan, launch::Launched container,
          resources::Cgroup& cgroup, Ended ended);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();

  /// Begins to watch, and to count the time of --timeout.
  void begin();

  /// Hands a signal to the workload, as if it had come to it from outside. What a PID 1 without a
  /// handler would never get ends it all the same.
  Result<> send(int signal);

  /// Killing PID 1 ends everything in its pid namespace: pid_namespaces(7). Only the first reason
  /// counts.
  Result<> kill_for(KilledFor reason, int signal = 0);

  /// The one whose child the workload is has forked, and this is the fork: the end is seen here as
  /// before, and `how` tells how it ended, or nothing when that can no longer be known.
  using How = std::function<std::optional<sys::WaitStatus>()>;
  void hand_over(How how);

  /// Ends it, with this error as its end: the workload was never started.
  void give_up(const Error& error);

  [[nodiscard]] pid_t pid() const { return container_.init.pid(); }
  [[nodiscard]] int pidfd() const { return container_.init.pidfd(); }
  [[nodiscard]] launch::Launched& container() { return container_; }

 private:
  enum class Disposition { standard, blocked, handled };

  void finish();
  void settle(const Result<>& result);
  [[nodiscard]] Disposition disposition_of(int signal) const;
  Result<> settle_doubt();
  Result<> check_pids();
  Result<> limit_hit();
  Result<> check_oom();
  void watch_metadata();
  void look_again();
  void doubt_again();
  void patience_again();

  sys::EventLoop& loop_;
  const launch::LaunchPlan& plan_;
  const spec::ContainerSpec& spec_;
  launch::Launched container_;
  resources::Cgroup& cgroup_;
  Ended ended_;
  How how_;  // empty: the workload is our own child
  std::vector<sys::EventLoop::Id> watches_;
  sys::EventLoop::Id deadline_ = 0, look_ = 0, oom_ = 0, doubt_timer_ = 0;
  std::optional<sys::EventLoop::Clock::time_point> oom_until_;
  std::chrono::milliseconds look_interval_{};
  std::uint64_t refused_ = 0;  // of all forks until the last look
  struct {
    int signal = 0;
    sys::EventLoop::Clock::time_point until;
  } doubt_;
  EndFacts facts_;
  std::optional<Error> gave_up_;
  std::optional<Metadata> metadata_;  // of a workload without namespaces
};

}  // namespace nucleus::container
