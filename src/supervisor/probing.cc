// What becomes of what probes find out: health goes into the record and may end the container; who
// starts one that is to be ready waits for it, and a start without readiness is taken back.
#include <poll.h>
#include <signal.h>

#include <cerrno>

#include "supervisor/supervisor.h"

namespace nucleus::supervisor {

void Supervisor::watch_health() {
  if (spec_.supervision.health.probe.kind == spec::ProbeKind::none) return;
  health_.emplace(
      loop_, spec_, *life_,
      Health::Hooks{.paused = [this] { return held_.entry().status == store::Status::paused; },
                    .changed =
                        [this](const store::Health& health) {
                          const bool other = held_.entry().health.status != health.status;
                          // A full disk makes nobody unhealthy: the next look writes again.
                          (void)held_.update([&](store::Entry& entry) { entry.health = health; });
                          if (other) note("health_status", {{"status", health.status}});
                        },
                    .unhealthy = [this] { unhealthy(); }});
}

void Supervisor::unhealthy() {
  if (stopping_ || !life_ || !life_->is_running()) return;
  switch (spec_.supervision.health.action) {
    case spec::HealthAction::none: return;
    case spec::HealthAction::kill:
      (void)life_->running().kill_for(container::KilledFor::unhealthy);
      return;
    case spec::HealthAction::restart:
      // Who asked for another run is still the one who waits for it.
      if (again_ == Again::no) again_ = Again::unhealthy;
      end_workload(spec_.supervision.stop_signal, spec_.supervision.stop_timeout);
      return;
  }
}

// A new socket for every run: what the last one has left unread is nothing of the next.
void Supervisor::listen_to_notices() {
  sys::UniqueFd& socket = life_->running().container().notices;
  if (!socket.valid()) return;
  ready_heard_ = false;
  notices_.emplace(loop_, std::move(socket),
                   [this](const container::Notice& notice) { noticed(notice); });
}

void Supervisor::noticed(const container::Notice& notice) {
  if (notice.status) {
    status_text_ = *notice.status;
    // One that tells much is not written down as often.
    constexpr std::chrono::seconds kBetween{1};
    if (status_timer_ == 0) status_timer_ = loop_.after(kBetween, [this] { record_status_text(); });
  }
  if (notice.watchdog && health_) health_->alive();
  if (!notice.ready || std::exchange(ready_heard_, true)) return;
  if (readiness_) {
    readiness_->told();
  } else {
    note("ready");
  }
}

void Supervisor::record_status_text() {
  loop_.cancel(std::exchange(status_timer_, 0));
  (void)held_.update([&](store::Entry& entry) { entry.status_text = status_text_; });
}

void Supervisor::end_notices() {
  if (!notices_) return;
  notices_->read();
  notices_.reset();
  if (status_timer_ != 0) record_status_text();
}

// Without starters it is the caller who waits.
void Supervisor::await_readiness(std::vector<ClientId> starters) {
  starters_ = std::move(starters);
  readiness_.emplace(loop_, spec_, *life_, [this](const Result<>& result) { ready(result); });
  if (!starters_.empty()) return;
  // It says nothing: what comes is its end.
  caller_watch_ = loop_.watch(answer_.get(), POLLIN, [this](short) {
    ready(fail(Kind::runtime, EPIPE, "start", "the container", "who asked for it is gone"));
  });
}

void Supervisor::ready(const Result<>& result) {
  loop_.unwatch(std::exchange(caller_watch_, 0));
  // Called from within it.
  loop_.after(std::chrono::milliseconds(0), [this] { readiness_.reset(); });
  if (not_ready_) return;
  if (result) {
    note("ready");
    if (starters_.empty()) return tell_caller();
    return answer_starters({});
  }
  not_ready_ = result.error();
  not_ready_->subject = held_.entry().id;
  stopping_ = true;
  end_workload(spec_.supervision.stop_signal, spec_.supervision.stop_timeout);
}

// It has ended while somebody waited for its readiness.
void Supervisor::not_ready_after(const spec::Outcome& outcome) {
  if (!readiness_) return;
  readiness_.reset();
  loop_.unwatch(std::exchange(caller_watch_, 0));
  stopping_ = true;
  if (not_ready_) return;
  not_ready_ = fail(Kind::runtime, 0, "start", held_.entry().id,
                    "it ended (" + std::string(spec::reason_name(outcome.reason)) + ", code " +
                        std::to_string(outcome.code) + ") before it was ready" +
                        (outcome.message.empty() ? "" : ": " + outcome.message))
                   .error();
}

void Supervisor::tell_of_readiness() {
  if (!not_ready_) return;
  if (!starters_.empty()) return answer_starters(std::unexpected(*not_ready_));
  (void)control::send_packet(answer_.get(), control::error_text(*not_ready_));
  answer_.reset();
}

}  // namespace nucleus::supervisor
