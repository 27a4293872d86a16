#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/json_fields.h"
#include "container/posture.h"
#include "container/state_root.h"
#include "spec/names.h"
#include "supervisor/pause.h"
#include "sys/memory.h"

namespace nucleus::supervisor {
namespace {

constexpr std::chrono::milliseconds kFirstBackOff{100};
constexpr std::chrono::milliseconds kLongestBackOff{60'000};
// One that has run this long is no longer in a row of failures.
constexpr std::uint64_t kLongEnoughUsec = 10'000'000;

store::Ending ending_of(const spec::Outcome& outcome) {
  return {.reason = spec::reason_name(outcome.reason),
          .code = outcome.code,
          .signal = outcome.signal,
          .limit = outcome.limit,
          .message = outcome.message,
          .peak_memory_bytes = outcome.peak_memory_bytes,
          .cpu_usec = outcome.cpu_usec,
          .oom_kills = outcome.oom_kills};
}

}  // namespace

Supervisor::Supervisor(const Request& request, sys::UniqueFd answer)
    : request_(request),
      answer_(std::move(answer)),
      spec_(request.spec),
      store_(request.root),
      journal_(request.root) {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  if (const auto begun = begin(); !begun) {
    health_.reset();
    const spec::Outcome outcome = end_life(std::unexpected(begun.error()));
    server_.reset();
    if (held_.valid()) note_end(outcome);
    // A start that went wrong leaves a record only of one that was there before.
    if (held_.valid() && request_.wish != Wish::start) {
      note("remove");
      held_.remove();
    } else if (held_.valid() && held_.entry().status == store::Status::creating) {
      (void)held_.become(store::Status::failed, [&](store::Entry& entry) {
        entry.finished_usec = store::now_usec();
        entry.ending = ending_of(outcome);
      });
    }
    (void)control::send_packet(answer_.get(), control::error_text(begun.error()));
    return 125;
  }
  if (adopted_ != Adopted::nothing && !answer_.valid()) {
    rest_soon();  // the one before has told
  } else if (spec_.supervision.readiness.probe.kind != spec::ProbeKind::none &&
             request_.wish != Wish::create && adopted_ != Adopted::end) {
    await_readiness({});
  } else {
    tell_caller();
  }
  const auto looped = loop_.run();
  execs_.reset();
  readiness_.reset();
  health_.reset();
  notices_.reset();
  viewers_.reset();
  life_.reset();
  server_.reset();
  return looped ? 0 : 125;
}

Result<> Supervisor::begin() {
  NUCLEUS_CHECK(signals_.hold());
  caller_ = container::read_caller();
  if (request_.wish != Wish::start)
    trail_ = NUCLEUS_TRY(audit::Trail::open(spec_.audit_log, request_.id, spec_.name));
  if (request_.wish == Wish::start) {
    held_ = NUCLEUS_TRY(store_.hold(request_.id));
    spec_ = NUCLEUS_TRY(store_.spec(request_.id));
    spec_.name = held_.entry().name;
    trail_ = NUCLEUS_TRY(audit::Trail::open(spec_.audit_log, request_.id, spec_.name));
    // Of a supervisor that was killed: what was running ended with it.
    const store::Status before = held_.entry().status;
    if (before != store::Status::stopped && before != store::Status::failed)
      NUCLEUS_CHECK(
          held_.update([](store::Entry& entry) { entry.status = store::Status::stopped; }));
    NUCLEUS_CHECK(held_.become(store::Status::creating, [](store::Entry& entry) {
      entry.supervisor = ::getpid();
      entry.started_usec.reset();
      entry.restart_usec.reset();
      entry.finished_usec.reset();
      entry.status_text.clear();
      entry.pid = 0;
    }));
  } else {
    NUCLEUS_CHECK(make_record());
  }
  NUCLEUS_CHECK(open_log());
  NUCLEUS_CHECK(open_streams());
  server_.emplace(loop_, held_.entry().owner,
                  ControlServer::Events{
                      .heard = [this](ClientId client,
                                      const control::Packet& packet) { heard(client, packet); },
                      .gone = [this](ClientId client) { gone(client); }});
  NUCLEUS_CHECK(server_->listen(held_.directory_fd()));
  execs_.emplace(loop_, *server_, [this](const char* event, const store::Attributes& attributes) {
    note(event, attributes);
  });
  viewers_.emplace(loop_, *server_, spec_.terminal, spec_.interactive);
  loop_.before_waiting([this] { choose_output(); });
  NUCLEUS_CHECK(start_life(request_.wish == Wish::create));
  loop_.watch(signals_.fd(), POLLIN, [this](short) { on_signal(); });
  return {};
}

Result<> Supervisor::make_record() {
  store::Entry entry;
  entry.id = request_.id;
  entry.name = spec_.name;
  entry.owner = caller_.uid;
  entry.created_usec = store::now_usec();
  entry.supervisor = ::getpid();
  entry.restart = spec::restart_text(spec_.supervision);
  entry.remove = spec_.supervision.remove;
  entry.log_driver = spec::log_driver_name(spec_.supervision.log_driver);
  entry.command = spec_.argv;
  entry.labels = spec_.labels;
  held_ = NUCLEUS_TRY(store_.create(entry, spec_));
  note("create");
  return {};
}

// Gives up a start when the one who asked for it is gone, or when we are told to end.
Result<bool> Supervisor::await(int fd, std::chrono::milliseconds patience) {
  const auto until = sys::EventLoop::Clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - sys::EventLoop::Clock::now());
    const int wait =
        patience.count() < 0 ? -1 : static_cast<int>(std::max<std::int64_t>(0, left.count()));
    pollfd fds[3] = {{.fd = fd, .events = POLLIN, .revents = 0},
                     {.fd = answer_.get(), .events = 0, .revents = 0},
                     {.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
    const int found = ::poll(fds, 3, wait);
    if (found < 0) {
      if (errno == EINTR) continue;
      return fail(Kind::runtime, errno, "wait for", "the container");
    }
    if (fds[0].revents != 0) return true;
    if (found == 0) return false;
    if ((fds[1].revents & (POLLHUP | POLLERR)) != 0)
      return fail(Kind::runtime, EPIPE, "start", "the container", "who asked for it is gone");
    while (const auto signal = signals_.next()) {
      if (*signal != SIGHUP) NUCLEUS_CHECK(signals_.interrupt(*signal));
    }
  }
}

Result<> Supervisor::start_life(bool park) {
  const char* const event = park ? "create" : "start";
  NUCLEUS_CHECK(trail_.requested(event, audit::ourselves(), {}, spec_.argv));
  const auto started = start_unaudited(park);
  if (!started) {
    unheard(trail_.failed(event, audit::ourselves(), started.error()));
    return started;
  }
  if (!trail_.on() || adopted_ == Adopted::run || adopted_ == Adopted::end) return {};
  return trail_.done(event, audit::ourselves(), container::posture(spec_, life_->decision()));
}

Result<> Supervisor::start_unaudited(bool park) {
  container::LifeOptions options;
  options.id = request_.id;
  options.caller = caller_;
  options.state_root = request_.root;
  options.report = true;
  options.named = false;
  options.park = park;
  options.terminal = {.rows = 24, .columns = 80};
  options.await = [this](int fd, auto patience) { return await(fd, patience); };
  life_.emplace(loop_, spec_, std::move(options));
  NUCLEUS_CHECK(life_->start([this](Facts facts) { ended(std::move(facts)); }));
  NUCLEUS_CHECK(split());
  if (adopted_ == Adopted::end) return go_on_with_life();
  listen_to_notices();
  terminal_ = std::move(life_->running().container().terminal);
  if (terminal_.valid()) {
    ::fcntl(terminal_.get(), F_SETFL, O_RDWR | O_NONBLOCK);
    terminal_watch_ = loop_.watch(
        terminal_.get(), POLLIN, [this](short) { read_stream(log::Stream::out, terminal_.get()); });
  }
  viewers_->begin(spec_.terminal ? terminal_.get() : input_.get());
  return adopted_ == Adopted::run ? go_on_with_life() : write_start(park);
}

Result<> Supervisor::write_start(bool park) {
  NUCLEUS_CHECK(held_.become(park ? store::Status::created : store::Status::running,
                             [&](store::Entry& entry) {
                               record_ourselves(entry);
                               entry.pid = life_->running().pid();
                               entry.cgroups = life_->cgroup().paths();
                               entry.notes = life_->decision().notes;
                               if (!park) entry.started_usec = store::now_usec();
                             }));
  if (park) return {};
  note("start");
  watch_health();
  return {};
}

// What cannot be written down (a full disk) keeps no container from going on.
void Supervisor::note(const char* event, const store::Attributes& attributes) {
  const store::Entry& entry = held_.entry();
  (void)journal_.append(
      {.time = {}, .event = event, .id = entry.id, .name = entry.name, .attributes = attributes});
  if (!trail_.on()) return;
  // What happens by itself; what is asked for is written where it is done.
  for (const auto& [happened, name] : {std::pair{"restart", "restart"},
                                       {"health_status", "health"},
                                       {"oom", "oom"},
                                       {"adopt", "adopt"},
                                       {"exec_die", "exec-exit"},
                                       {"remove", "rm"}}) {
    if (std::string_view(event) == happened)
      unheard(trail_.done(name, audit::ourselves(), attributes));
  }
}

// It has happened all the same: who looks at the container finds that the log lacks it.
void Supervisor::unheard(const Result<>& written) {
  if (written || !held_.valid()) return;
  (void)held_.update([&](store::Entry& entry) {
    const std::string text = "not in the audit log: " + written.error().text();
    if (entry.notes.empty() || entry.notes.back() != text) entry.notes.push_back(text);
  });
}

void Supervisor::tell_caller() {
  json::Json object;
  object["id"] = request_.id;
  object["warnings"] = life_ ? life_->warnings() : std::vector<std::string>();
  (void)control::send_packet(answer_.get(), json::dump(object));
  answer_.reset();
  stand_by_.told();
  rest_soon();
}

// Of all the code that a start or a request takes, waiting needs little.
void Supervisor::rest_soon() {
  if (rest_timer_ != 0) return;
  rest_timer_ = loop_.after(std::chrono::seconds(1), [this] {
    rest_timer_ = 0;
    sys::release_code();
  });
}

// A closed terminal or an ended session is no wish for the container's end.
void Supervisor::on_signal() {
  while (const auto signal = signals_.next()) {
    if (*signal == SIGTERM || *signal == SIGINT || *signal == SIGQUIT)
      stop(spec_.supervision.stop_signal, spec_.supervision.stop_timeout);
  }
}

void Supervisor::stop(int signal, std::chrono::milliseconds patience) {
  stopping_ = true;
  if (restart_timer_ != 0) {
    loop_.cancel(std::exchange(restart_timer_, 0));
    (void)held_.update([](store::Entry& entry) { entry.restart_usec.reset(); });
    return finish();
  }
  end_workload(signal, patience);
}

void Supervisor::end_workload(int signal, std::chrono::milliseconds patience) {
  if (!life_ || !life_->is_running()) return;
  go_on(*life_, held_);
  container::Running& running = life_->running();
  if (patience.count() == 0 || running.container().parked) {
    (void)running.kill_for(container::KilledFor::signal, SIGKILL);
    return;
  }
  (void)running.send(signal);
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.after(patience, [this] {
    if (life_ && life_->is_running())
      (void)life_->running().kill_for(container::KilledFor::signal, SIGKILL);
  });
}

// Called from within the one that ended: what belongs to it is cleared away a moment later.
void Supervisor::ended(Facts facts) {
  // The one before had wound it up, and was killed: go_on_with_life() has the rest.
  if (adopted_ == Adopted::end) return;
  loop_.after(std::chrono::milliseconds(0), [this, facts = std::move(facts)] { wind_up(facts); });
}

// A run may have failed before there was anything of it.
spec::Outcome Supervisor::end_life(const Facts& facts) {
  auto outcome =
      life_ ? life_->finish(facts) : container::never_begun(request_.id, spec_, facts.error());
  life_.reset();
  return outcome;
}

void Supervisor::note_end(const spec::Outcome& outcome) {
  note("die",
       {{"code", std::to_string(outcome.code)}, {"reason", spec::reason_name(outcome.reason)}});
}

void Supervisor::wind_up(const Facts& facts) {
  loop_.cancel(kill_timer_);
  execs_->container_ended();
  health_.reset();
  end_notices();
  drain();
  const spec::Outcome outcome = end_life(facts);
  const store::Status before = held_.entry().status;
  const bool ran = before == store::Status::running || before == store::Status::paused;
  if (outcome.wall_usec >= kLongEnoughUsec) {
    back_off_ = {};
    failures_ = 0;
  }
  not_ready_after(outcome);
  const bool again = wants_restart(outcome);
  if (again) lengthen_back_off(outcome);
  // At once, so that whoever reads it, or takes over from here, knows what comes next.
  (void)held_.become(facts || ran ? store::Status::stopped : store::Status::failed,
                     [&](store::Entry& entry) {
                       entry.pid = 0;
                       entry.cgroups.clear();
                       entry.finished_usec = store::now_usec();
                       entry.ending = ending_of(outcome);
                       entry.notes = outcome.notes;
                       if (!again) entry.stand_by = 0;
                       if (!again) return;
                       const std::chrono::microseconds pause = back_off_;
                       entry.restart_usec = store::now_usec() + pause.count();
                     });
  if (outcome.oom_kills.value_or(0) > 0)
    note("oom", {{"kills", std::to_string(*outcome.oom_kills)}});
  note_end(outcome);
  if (trail_.on() && ran)
    unheard(trail_.done("exit", audit::ourselves(), container::end_details(outcome)));
  viewers_->ended(end_text());
  rest_or_finish(again);
}

void Supervisor::lengthen_back_off(const spec::Outcome& outcome) {
  if (again_ == Again::asked) {
    back_off_ = {};
    failures_ = 0;
    return;
  }
  failures_ += outcome.code != 0 ? 1U : 0U;
  back_off_ = back_off_.count() == 0 ? kFirstBackOff : std::min(back_off_ * 2, kLongestBackOff);
}

bool Supervisor::wants_restart(const spec::Outcome& outcome) const {
  const spec::Supervision& life = spec_.supervision;
  if (stopping_) return false;
  if (again_ != Again::no) return true;
  switch (life.restart) {
    case spec::RestartPolicy::no: return false;
    case spec::RestartPolicy::always:
    case spec::RestartPolicy::unless_stopped: return true;
    case spec::RestartPolicy::on_failure:
      return outcome.code != 0 && (life.restart_most == 0 || failures_ < life.restart_most);
  }
  return false;
}

// Who asked for it waits until it runs, and until it is ready when that can be told.
void Supervisor::restart() {
  restart_timer_ = 0;
  const bool asked = std::exchange(again_, Again::no) == Again::asked;
  const auto again = [&]() -> Result<> {
    NUCLEUS_CHECK(held_.become(store::Status::creating, [&](store::Entry& entry) {
      if (!asked) ++entry.restarts;
      entry.restart_usec.reset();
      entry.finished_usec.reset();
      entry.status_text.clear();
    }));
    note("restart", {{"count", std::to_string(held_.entry().restarts)}});
    return start_life(false);
  }();
  if (!again) {
    answer_starters(again);
    return wind_up(std::unexpected(again.error()));
  }
  if (spec_.supervision.readiness.probe.kind != spec::ProbeKind::none && !starters_.empty())
    return await_readiness(std::exchange(starters_, {}));
  answer_starters({});
  rest_soon();
}

void Supervisor::answer_starters(const Result<>& result) {
  for (const ClientId client : std::exchange(starters_, {})) {
    if (result) {
      server_->answer(client, "{}");
    } else {
      server_->refuse(client, result.error());
    }
  }
}

void Supervisor::finish() {
  const std::string text = end_text();
  // A start that is taken back leaves what was there before.
  if (not_ready_ && request_.wish == Wish::run && answer_.valid()) removing_ = true;
  // Who waits for its removal finds nothing of it when the answer comes.
  if (removing_ || spec_.supervision.remove) {
    note("remove");
    held_.remove();
  }
  stand_by_.dismiss();
  tell_of_readiness();
  answer_starters(fail(Kind::runtime, ECANCELED, "start", held_.entry().id,
                       "it was told to end before it ran again"));
  for (const ClientId client : std::exchange(waiting_, {})) server_->answer(client, text);
  loop_.stop();
}

}  // namespace nucleus::supervisor
