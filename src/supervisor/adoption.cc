// --on-supervisor-death adopt: one supervisor is killed, and another goes on where it was.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "supervisor/supervisor.h"

namespace nucleus::supervisor {

// From here on another process is at work, and comes back from here again whenever one was killed.
Result<> Supervisor::split() {
  adopted_ = Adopted::nothing;
  if (!spec_.supervision.adopt) return {};
  sys::Child* const init = life_ ? &life_->running().container().init : nullptr;
  if (init != nullptr && init->pidfd() < 0) {
    return fail(Kind::runtime, ENOSYS, "watch the container for", "one that stands by",
                "pidfd_open(2) is not there: leave out --on-supervisor-death adopt");
  }
  NUCLEUS_CHECK(stand_by_.split({.init = init,
                                 .signals = &signals_,
                                 .begin =
                                     [this] {
                                       server_->forget();
                                       starters_.clear();
                                       waiting_.clear();
                                     },
                                 .told = [this] { answer_.reset(); }}));
  if (init != nullptr && (stand_by_.pid() != 0 || stand_by_.how_it_ended()))
    life_->running().hand_over([this] { return stand_by_.how_it_ended(); });
  if (stand_by_.deaths() > 0) take_up();
  return {};
}

// The record says how far the one that was killed had come. Where it cannot be read any more it is
// as it was when that one began.
void Supervisor::take_up() {
  const auto read = held_.reload();
  if (!read && read.error().errnum == ENOENT) {
    adopted_ = Adopted::end;
    return;
  }
  if (auto spec = store_.spec(request_.id)) spec_ = std::move(*spec);
  spec_.name = held_.entry().name;
  trail_.rename(spec_.name);
  if (const auto opened = open_log(); !opened) note_problem("nothing is logged", opened.error());
  const store::Status status = held_.entry().status;
  const bool ended = status == store::Status::stopped || status == store::Status::failed;
  if (!life_) {
    adopted_ = held_.entry().restart_usec || status == store::Status::creating ? Adopted::pause
                                                                               : Adopted::end;
  } else if (ended) {
    adopted_ = Adopted::end;
  } else {
    adopted_ = status == store::Status::creating ? Adopted::start : Adopted::run;
    adopt_life(status);
  }
  note("adopt", {{"before", std::to_string(stand_by_.before())}});
  (void)held_.update([&](store::Entry& entry) {
    record_ourselves(entry);
    entry.notes.push_back("its supervisor " + std::to_string(stand_by_.before()) +
                          " was killed: another took over" +
                          (stand_by_.pid() == 0 ? ", with nobody that stands by for it" : ""));
    // A run that was being started is none any more.
    if (!life_ && status == store::Status::creating) entry.status = store::Status::failed;
  });
}

// Nobody waits for what was begun for clients that the one before had.
void Supervisor::adopt_life(store::Status status) {
  const bool paused = status == store::Status::paused;
  if (paused || status == store::Status::running) life_->running().container().parked = false;
  if (!paused) return life_->cgroup().remove_leaves();
  // What is frozen dies when it is thawed; that it is frozen must be known for that.
  (void)life_->cgroup().freeze();
}

void Supervisor::note_problem(const std::string& what, const Error& error) {
  (void)held_.update(
      [&](store::Entry& entry) { entry.notes.push_back(what + ": " + error.text()); });
}

void Supervisor::record_ourselves(store::Entry& entry) const {
  entry.supervisor = ::getpid();
  entry.stand_by = stand_by_.pid();
}

Result<> Supervisor::go_on_with_life() {
  if (adopted_ == Adopted::end) {
    loop_.after(std::chrono::milliseconds(0), [this] {
      if (life_) (void)end_life(container::EndFacts{});
      rest_or_finish(held_.entry().restart_usec.has_value());
    });
  } else if (!life_->running().container().parked) {
    watch_health();
  }
  return {};
}

// Between two runs, or after the last one.
void Supervisor::rest_or_finish(bool again) {
  if (!again) return finish();
  restart_timer_ = loop_.after(back_off_, [this] { restart(); });
  if (!spec_.supervision.adopt) return;
  if (const auto done = split(); !done) return note_problem("nobody stands by", done.error());
  if (adopted_ == Adopted::end) {
    loop_.cancel(std::exchange(restart_timer_, 0));
    return finish();
  }
  (void)held_.update([&](store::Entry& entry) { record_ourselves(entry); });
}

}  // namespace nucleus::supervisor
