#include "container/running.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "launch/init/config.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

using Clock = sys::EventLoop::Clock;

// A program that is refused a fork now and then copes with it; one that is refused this often does
// nothing else.
constexpr std::uint64_t kForkBomb = 128;
// Where nobody tells of refused forks they are looked for: seldom, unless there are new ones.
constexpr auto kShortestLookInterval = std::chrono::milliseconds(100);
constexpr auto kLongestLookInterval = std::chrono::milliseconds(1600);
// v1 tells of memory pressure at the limit before anybody is killed, and tells it too when reclaim
// then succeeds.
constexpr auto kOomPatience = std::chrono::seconds(1);
constexpr auto kDoubtPatience = std::chrono::seconds(1);
constexpr auto kShortInterval = std::chrono::milliseconds(2);

bool ends_by_default(int signal) {
  return signal != SIGCONT && signal != SIGWINCH && signal != SIGURG;
}

bool from_terminal(int signal) { return signal == SIGINT || signal == SIGQUIT || signal == SIGHUP; }

}  // namespace

Running::Running(sys::EventLoop& loop, const launch::LaunchPlan& plan, launch::Launched container,
                 resources::Cgroup& cgroup, Ended ended)
    : loop_(loop),
      plan_(plan),
      spec_(*plan.spec),
      container_(std::move(container)),
      cgroup_(cgroup),
      ended_(std::move(ended)) {}

Running::~Running() {
  for (const sys::EventLoop::Id id : watches_) loop_.unwatch(id);
  for (const sys::EventLoop::Id id : {deadline_, look_, oom_, doubt_timer_}) loop_.cancel(id);
}

void Running::begin() {
  watches_.push_back(loop_.watch(container_.init.pidfd(), POLLIN, [this](short) { finish(); }));
  std::size_t index = 0;
  for (const resources::EventSource& source : cgroup_.events()) {
    watches_.push_back(loop_.watch(source.fd, source.poll_events, [this, index](short) {
      cgroup_.acknowledge(index);
      settle(limit_hit());
    }));
    ++index;
  }
  if (container_.listener.valid()) watch_metadata();
  look_interval_ = kShortestLookInterval;
  if (cgroup_.needs_polling()) look_again();
  if (spec_.timeout) {
    deadline_ = loop_.after(*spec_.timeout, [this] { settle(kill_for(KilledFor::timeout)); });
  }
}

// What the init had to say waits in its socket: being woken for it, and for its end once more,
// would be one wake-up too many.
void Running::finish() {
  const auto facts = [&]() -> Result<EndFacts> {
    sys::WaitStatus status = NUCLEUS_TRY(container_.init.wait());
    if (how_) status = how_().value_or(status);
    facts_.counters = cgroup_.read_counters();
    if (gave_up_) return std::unexpected(*gave_up_);
    const auto told = launch::last_word(plan_, container_);
    if (!told && facts_.killed_for == KilledFor::nothing) return std::unexpected(told.error());
    facts_.status = told ? told->value_or(status) : status;
    return facts_;
  }();
  for (const sys::EventLoop::Id id : watches_) loop_.unwatch(id);
  watches_.clear();
  if (const Ended ended = std::exchange(ended_, nullptr)) ended(facts);
}

void Running::settle(const Result<>& result) {
  if (result) return;
  if (const Ended ended = std::exchange(ended_, nullptr)) ended(std::unexpected(result.error()));
}

Result<> Running::kill_for(KilledFor reason, int signal) {
  if (facts_.killed_for != KilledFor::nothing) return {};
  facts_.killed_for = reason;
  facts_.signal = signal;
  (void)cgroup_.thaw();  // what is frozen on v1 does not even die
  // Without a pid namespace the init does it, which the workload cannot reach.
  return container_.init.send_signal(spec_.shares_host() ? launch::init::kEndAll : SIGKILL);
}

void Running::hand_over(How how) {
  container_.init.disown();
  how_ = std::move(how);
}

void Running::give_up(const Error& error) {
  gave_up_ = error;
  (void)container_.init.send_signal(SIGKILL);
}

void Running::watch_metadata() {
  std::vector<std::string> writable = {spec_.private_directory};
  for (const spec::Volume& volume : spec_.volumes) {
    if (volume.writable) writable.push_back(volume.source);
  }
  metadata_.emplace(std::move(container_.listener), spec_.identity, writable);
  const std::size_t index = watches_.size();
  watches_.push_back(loop_.watch(metadata_->fd(), POLLIN, [this, index](short events) {
    metadata_->answer(events);
    if (metadata_->fd() < 0) loop_.unwatch(watches_.at(index));
  }));
}

Result<> Running::send(int signal) {
  const bool bare = !container_.socket.valid() && ends_by_default(signal);
  const Disposition disposition = bare ? disposition_of(signal) : Disposition::handled;
  // The kernel drops what a PID 1 has no handler for; who sends it means it all the same.
  if (disposition == Disposition::standard) return kill_for(KilledFor::signal, signal);
  // Blocked for a moment, as a shell does it around a fork: whether it will be dropped shows later.
  if (disposition == Disposition::blocked) {
    doubt_ = {.signal = signal, .until = Clock::now() + kDoubtPatience};
    doubt_again();
  }
  if (!container_.socket.valid() && from_terminal(signal)) {
    // Without an init nobody inside hands on to the whole group what a terminal would send to all
    // of it. The number is still the workload's own: it leads its group and has not been reaped.
    ::kill(-container_.init.pid(), signal);
    return {};
  }
  return container_.init.send_signal(signal);
}

Running::Disposition Running::disposition_of(int signal) const {
  const auto status =
      sys::read_file_at(AT_FDCWD, "/proc/" + std::to_string(container_.init.pid()) + "/status");
  if (!status) return Disposition::handled;
  const auto has = [&](std::string_view key) {
    const std::size_t at = status->find(key);
    if (at == std::string::npos) return true;
    std::uint64_t mask = 0;
    std::from_chars(status->data() + at + key.size(), status->data() + status->size(), mask, 16);
    return (mask >> (signal - 1) & 1) != 0;
  };
  if (has("\nSigIgn:\t") || has("\nSigCgt:\t")) return Disposition::handled;
  return has("\nSigBlk:\t") ? Disposition::blocked : Disposition::standard;
}

void Running::doubt_again() {
  loop_.cancel(doubt_timer_);
  doubt_timer_ = loop_.after(kShortInterval, [this] {
    settle(settle_doubt());
    if (doubt_.signal != 0) doubt_again();
  });
}

Result<> Running::settle_doubt() {
  if (doubt_.signal == 0) return {};
  const Disposition disposition = disposition_of(doubt_.signal);
  const int signal = doubt_.signal;
  if (disposition != Disposition::blocked || Clock::now() >= doubt_.until) doubt_.signal = 0;
  return disposition == Disposition::standard ? kill_for(KilledFor::signal, signal) : Result<>();
}

Result<> Running::check_pids() {
  const std::uint64_t refused = cgroup_.refused_forks().value_or(0);
  const bool more = refused != std::exchange(refused_, refused);
  look_interval_ =
      more ? kShortestLookInterval : std::min(look_interval_ * 2, kLongestLookInterval);
  return refused >= kForkBomb ? kill_for(KilledFor::pids) : Result<>();
}

void Running::look_again() {
  look_ = loop_.after(look_interval_, [this] {
    const Result<> checked = check_pids();
    look_again();
    settle(checked);
  });
}

Result<> Running::limit_hit() {
  NUCLEUS_CHECK(check_pids());
  if (spec_.resources.memory && !oom_until_) oom_until_ = Clock::now() + kOomPatience;
  NUCLEUS_CHECK(check_oom());
  if (oom_until_) patience_again();
  return {};
}

void Running::patience_again() {
  loop_.cancel(oom_);
  oom_ = loop_.after(kShortInterval, [this] {
    settle(check_oom());
    if (oom_until_ && Clock::now() >= *oom_until_) oom_until_.reset();
    if (oom_until_) patience_again();
  });
}

// What is left of a tree that lost one process to the OOM killer is not what its author meant to
// run: it all goes, as memory.oom.group does it on v2.
Result<> Running::check_oom() {
  if (!oom_until_ || cgroup_.read_counters().oom_kills.value_or(0) == 0) return {};
  oom_until_.reset();
  return kill_for(KilledFor::memory);
}

}  // namespace nucleus::container
