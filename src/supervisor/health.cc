#include "supervisor/health.h"

#include <algorithm>
#include <utility>

namespace nucleus::supervisor {
namespace {

using Clock = sys::EventLoop::Clock;

// At first it is looked at more often: nobody wants to wait half a minute to hear that it works.
constexpr std::chrono::milliseconds kStartInterval{1000};

}  // namespace

Health::Health(sys::EventLoop& loop, const spec::ContainerSpec& spec, container::Life& life,
               Hooks hooks)
    : loop_(loop),
      check_(spec.supervision.health),
      hooks_(std::move(hooks)),
      prober_(loop, spec, check_.probe, life, "health"),
      counts_from_(Clock::now() + check_.start_period) {
  now_.status = "starting";
  hooks_.changed(now_);
  schedule();
}

Health::~Health() {
  loop_.cancel(timer_);
  loop_.cancel(doubt_);
}

void Health::schedule() {
  const bool starting = !is_told() && now_.status == "starting" && Clock::now() < counts_from_;
  timer_ = loop_.after(starting ? std::min(check_.interval, kStartInterval) : check_.interval,
                       [this] { look(); });
}

void Health::look() {
  timer_ = 0;
  if (hooks_.paused()) return schedule();
  if (is_told()) {
    const bool good = std::exchange(alive_, false);
    return found({.good = good, .output = good ? "" : "no WATCHDOG=1 within the interval"});
  }
  // One that was frozen meanwhile could not answer in time, however well it is.
  was_paused_ = false;
  doubt_ = loop_.after(check_.timeout, [this] { was_paused_ = hooks_.paused(); });
  prober_.begin(check_.timeout, [this](const Prober::Answer& answer) { found(answer); });
}

void Health::alive() {
  if (!is_told()) return;
  alive_ = now_.status == "healthy" && now_.failures == 0;
  if (alive_) return;
  loop_.cancel(timer_);
  found({.good = true, .output = ""});
}

void Health::found(const Prober::Answer& answer) {
  loop_.cancel(std::exchange(doubt_, 0));
  schedule();
  if (was_paused_ || hooks_.paused()) return;
  const store::Health before = now_;
  now_.output = answer.output;
  if (answer.good) {
    now_.status = "healthy";
    now_.failures = 0;
  } else if (now_.status != "starting" || Clock::now() >= counts_from_) {
    ++now_.failures;
    if (now_.failures >= check_.retries) now_.status = "unhealthy";
  }
  if (now_.status != before.status || now_.failures != before.failures ||
      now_.output != before.output)
    hooks_.changed(now_);
  if (now_.status == "unhealthy" && before.status != "unhealthy") hooks_.unhealthy();
}

}  // namespace nucleus::supervisor
