#include "sys/event_loop.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace nucleus::sys {

EventLoop::Id EventLoop::watch(int fd, short events, Ready ready) {
  watches_.push_back({.id = ++last_,
                      .fd = fd,
                      .events = events,
                      .ready = std::make_shared<Ready>(std::move(ready))});
  return last_;
}

void EventLoop::change(Id id, short events) {
  for (Watch& watch : watches_) {
    if (watch.id == id) watch.events = events;
  }
}

void EventLoop::unwatch(Id id) {
  std::erase_if(watches_, [&](const Watch& watch) { return watch.id == id; });
}

EventLoop::Id EventLoop::at(Clock::time_point moment, std::function<void()> due) {
  timers_.push_back({.id = ++last_, .moment = moment, .due = std::move(due)});
  return last_;
}

void EventLoop::cancel(Id id) {
  std::erase_if(timers_, [&](const Timer& timer) { return timer.id == id; });
}

Result<> EventLoop::run() {
  stopped_ = false;
  while (!stopped_) NUCLEUS_CHECK(round());
  return {};
}

void EventLoop::fire_timers() {
  const auto now = Clock::now();
  while (!stopped_) {
    const auto first = std::ranges::min_element(timers_, {}, &Timer::moment);
    if (first == timers_.end() || first->moment > now) return;
    const auto due = std::move(first->due);
    timers_.erase(first);
    due();
  }
}

Result<> EventLoop::round() {
  for (const auto& prepare : prepare_) prepare();
  if (stopped_) return {};
  std::vector<pollfd> fds;
  std::vector<Watch> waited;
  for (const Watch& watch : watches_) {
    if (watch.events == 0) continue;
    fds.push_back({.fd = watch.fd, .events = watch.events, .revents = 0});
    waited.push_back(watch);
  }
  timespec patience{};
  const auto first = std::ranges::min_element(timers_, {}, &Timer::moment);
  const bool limited = first != timers_.end();
  if (limited) {
    const auto left = std::max(first->moment - Clock::now(), Clock::duration(0));
    const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    patience = {.tv_sec = count / 1'000'000'000, .tv_nsec = count % 1'000'000'000};
  }
  const int found = ::ppoll(fds.data(), fds.size(), limited ? &patience : nullptr, nullptr);
  if (found < 0 && errno != EINTR) return fail(Kind::runtime, errno, "wait for", "events");
  for (std::size_t index = 0; found > 0 && index < fds.size() && !stopped_; ++index) {
    if (fds[index].revents == 0) continue;
    // It may have been unwatched by another one's callback.
    const bool still = std::ranges::any_of(
        watches_, [&](const Watch& watch) { return watch.id == waited[index].id; });
    if (still) (*waited[index].ready)(fds[index].revents);
  }
  fire_timers();
  return {};
}

}  // namespace nucleus::sys
