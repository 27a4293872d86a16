// One thread that waits for descriptors and moments: poll(2) and a monotonic clock.
//
// Callbacks may watch, change, unwatch and cancel whatever they like, themselves included; what was
// unwatched is not called any more, in the same round too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"

namespace nucleus::sys {

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Id = std::uint64_t;  // 0 names nothing
  using Ready = std::function<void(short events)>;

  EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Calls `ready` whenever poll(2) finds `events` (or an error, or a hang-up) on `fd`. With events
  /// 0 it is not waited for until change() says so.
  Id watch(int fd, short events, Ready ready);
  void change(Id id, short events);
  void unwatch(Id id);

  /// Calls `due` once, at that moment or soon after.
  Id at(Clock::time_point moment, std::function<void()> due);
  Id after(Clock::duration span, std::function<void()> due) {
    return at(Clock::now() + span, std::move(due));
  }
  void cancel(Id id);

  /// Called before each wait: for what decides anew what it waits for.
  void before_waiting(std::function<void()> prepare) { prepare_.push_back(std::move(prepare)); }

  /// Until stop(). Errors: poll(2) itself failed.
  Result<> run();
  void stop() { stopped_ = true; }

 private:
  struct Watch {
    Id id;
    int fd;
    short events;
    std::shared_ptr<Ready> ready;
  };
  struct Timer {
    Id id;
    Clock::time_point moment;
    std::function<void()> due;
  };
  Result<> round();
  void fire_timers();

  std::vector<Watch> watches_;
  std::vector<Timer> timers_;
  std::vector<std::function<void()>> prepare_;
  Id last_ = 0;
  bool stopped_ = false;
};

}  // namespace nucleus::sys
