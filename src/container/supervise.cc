#include "container/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <ctime>
#include <span>
#include <vector>

#include "container/metadata.h"
#include "container/terminal.h"
#include "launch/init/config.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

using Clock = std::chrono::steady_clock;

// A program that is refused a fork now and then copes with it; one that is refused this often does
// nothing else.
constexpr std::uint64_t kForkBomb = 128;
constexpr auto kLookInterval = std::chrono::milliseconds(100);
// v1 tells of memory pressure at the limit before anybody is killed, and tells it too when reclaim
// then succeeds.
constexpr auto kOomPatience = std::chrono::seconds(1);
constexpr auto kDoubtPatience = std::chrono::seconds(1);
constexpr auto kShortInterval = std::chrono::milliseconds(2);

bool ends_by_default(int signal) {
  return signal != SIGCONT && signal != SIGWINCH && signal != SIGURG;
}

bool from_terminal(int signal) { return signal == SIGINT || signal == SIGQUIT || signal == SIGHUP; }

class Supervisor {
 public:
  Supervisor(const launch::LaunchPlan& plan, launch::Launched& container, resources::Cgroup& cgroup,
             Signals& signals)
      : plan_(plan), spec_(*plan.spec), container_(container), cgroup_(cgroup), signals_(signals) {
    if (!container_.listener.valid()) return;
    std::vector<std::string> writable = {spec_.private_directory};
    for (const spec::Volume& volume : spec_.volumes) {
      if (volume.writable) writable.push_back(volume.source);
    }
    metadata_.emplace(std::move(container_.listener), spec_.identity, writable);
  }

  Result<EndFacts> run() {
    if (container_.terminal.valid())
      NUCLEUS_CHECK(terminal_.begin(std::move(container_.terminal), spec_.interactive));
    if (cgroup_.needs_polling()) look_at_ = Clock::now() + kLookInterval;
    if (spec_.timeout) deadline_ = Clock::now() + *spec_.timeout;
    std::vector<pollfd> fds = {{.fd = container_.init.pidfd(), .events = POLLIN, .revents = 0},
                               {.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
    for (const resources::EventSource& source : cgroup_.events()) {
      fds.push_back({.fd = source.fd, .events = source.poll_events, .revents = 0});
    }
    const std::size_t events_end = fds.size();
    // One of its own, whether it is used or not: poll(2) passes over what is negative.
    fds.push_back({.fd = metadata_ ? metadata_->fd() : -1, .events = POLLIN, .revents = 0});
    const std::size_t terminal_begin = fds.size();
    if (terminal_.active()) fds.resize(terminal_begin + Terminal::kPolled);
    for (;;) {
      if (terminal_.active()) terminal_.fill(std::span(fds).subspan(terminal_begin));
      const auto moment = next_moment();
      const timespec patience = until(moment);
      if (::ppoll(fds.data(), fds.size(), moment ? &patience : nullptr, nullptr) < 0 &&
          errno != EINTR) {
        return fail(Kind::runtime, errno, "wait for", "the container");
      }
      if (terminal_.active()) terminal_.relay(std::span(fds).subspan(terminal_begin));
      if (fds[0].revents != 0) return finish();
      if (fds[1].revents != 0) NUCLEUS_CHECK(pass_on());
      for (std::size_t index = 2; index < events_end; ++index) {
        if (fds[index].revents == 0) continue;
        cgroup_.acknowledge(index - 2);
        NUCLEUS_CHECK(limit_hit());
      }
      if (fds[events_end].revents != 0) {
        metadata_->answer(fds[events_end].revents);
        fds[events_end].fd = metadata_->fd();
      }
      NUCLEUS_CHECK(keep_time());
    }
  }

 private:
  std::optional<Clock::time_point> next_moment() const {
    std::optional<Clock::time_point> moment = deadline_;
    if (look_at_ && (!moment || *look_at_ < *moment)) moment = look_at_;
    if (oom_until_ || doubt_.signal != 0) {
      const auto soon = Clock::now() + kShortInterval;
      if (!moment || soon < *moment) moment = soon;
    }
    return moment;
  }

  static timespec until(std::optional<Clock::time_point> moment) {
    if (!moment) return {};
    const auto left = std::max(*moment - Clock::now(), Clock::duration(0));
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    return {.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
  }

  // What the init had to say waits in its socket: being woken for it, and for its end once more,
  // would be one wake-up too many.
  Result<EndFacts> finish() {
    const sys::WaitStatus status = NUCLEUS_TRY(container_.init.wait());
    facts_.counters = cgroup_.read_counters();
    terminal_.drain();
    const auto told = launch::last_word(plan_, container_);
    if (!told && facts_.killed_for == KilledFor::nothing) return std::unexpected(told.error());
    facts_.status = told ? told->value_or(status) : status;
    return facts_;
  }

  // Killing PID 1 ends everything in its pid namespace: pid_namespaces(7).
  Result<> kill_for(KilledFor reason) {
    if (facts_.killed_for != KilledFor::nothing) return {};
    facts_.killed_for = reason;
    // Without one the init does it, which the workload cannot reach.
    return container_.init.send_signal(spec_.shares_host() ? launch::init::kEndAll : SIGKILL);
  }

  Result<> pass_on() {
    while (const auto signal = signals_.next()) {
      if (!container_.started && launch::is_being_set_up(container_))
        NUCLEUS_CHECK(signals_.interrupt(*signal));
      // The kernel tells those inside of a new size by itself.
      if (terminal_.active() && (*signal == SIGWINCH || *signal == SIGCONT)) {
        terminal_.refresh();
        continue;
      }
      const bool bare = !container_.socket.valid() && ends_by_default(*signal);
      const Disposition disposition = bare ? disposition_of(*signal) : Disposition::handled;
      if (disposition == Disposition::standard) {
        NUCLEUS_CHECK(end_by(*signal));
        continue;
      }
      // Blocked for a moment, as a shell does it around a fork: whether it will be dropped shows
      // later.
      if (disposition == Disposition::blocked)
        doubt_ = {.signal = *signal, .until = Clock::now() + kDoubtPatience};
      if (!container_.socket.valid() && from_terminal(*signal)) {
        // Without an init nobody inside hands on to the whole group what a terminal would send to
        // all of it. The number is still the workload's own: it leads its group and has not been
        // reaped.
        ::kill(-container_.init.pid(), *signal);
      } else {
        NUCLEUS_CHECK(container_.init.send_signal(*signal));
      }
    }
    return {};
  }

  enum class Disposition { standard, blocked, handled };

  // The kernel drops what a PID 1 has no handler for; the user who presses Ctrl-C means it all the
  // same.
  Result<> end_by(int signal) {
    facts_.signal = signal;
    return kill_for(KilledFor::signal);
  }

  Disposition disposition_of(int signal) const {
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

  Result<> settle_doubt() {
    if (doubt_.signal == 0) return {};
    const Disposition disposition = disposition_of(doubt_.signal);
    const int signal = doubt_.signal;
    if (disposition != Disposition::blocked || Clock::now() >= doubt_.until) doubt_.signal = 0;
    return disposition == Disposition::standard ? end_by(signal) : Result<>();
  }

  Result<> check_pids(const resources::Counters& counters) {
    return counters.pids_refused.value_or(0) >= kForkBomb ? kill_for(KilledFor::pids) : Result<>();
  }

  Result<> limit_hit() {
    const resources::Counters counters = cgroup_.read_counters();
    NUCLEUS_CHECK(check_pids(counters));
    if (spec_.resources.memory && !oom_until_) oom_until_ = Clock::now() + kOomPatience;
    return check_oom(counters);
  }

  // What is left of a tree that lost one process to the OOM killer is not what its author meant to
  // run: it all goes, as memory.oom.group does it on v2.
  Result<> check_oom(const resources::Counters& counters) {
    if (!oom_until_ || counters.oom_kills.value_or(0) == 0) return {};
    oom_until_.reset();
    return kill_for(KilledFor::memory);
  }

  Result<> keep_time() {
    const auto now = Clock::now();
    NUCLEUS_CHECK(settle_doubt());
    if (oom_until_) {
      NUCLEUS_CHECK(check_oom(cgroup_.read_counters()));
      if (oom_until_ && now >= *oom_until_) oom_until_.reset();
    }
    if (look_at_ && now >= *look_at_) {
      look_at_ = now + kLookInterval;
      NUCLEUS_CHECK(check_pids(cgroup_.read_counters()));
    }
    if (deadline_ && now >= *deadline_) {
      deadline_.reset();
      return kill_for(KilledFor::timeout);
    }
    return {};
  }

  const launch::LaunchPlan& plan_;
  const spec::ContainerSpec& spec_;
  launch::Launched& container_;
  resources::Cgroup& cgroup_;
  Signals& signals_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Clock::time_point> oom_until_;
  std::optional<Clock::time_point> look_at_;
  struct {
    int signal = 0;
    Clock::time_point until;
  } doubt_;
  EndFacts facts_;
  Terminal terminal_;
  std::optional<Metadata> metadata_;
};

}  // namespace

Result<EndFacts> supervise(const launch::LaunchPlan& plan, launch::Launched& container,
                           resources::Cgroup& cgroup, Signals& signals) {
  return Supervisor(plan, container, cgroup, signals).run();
}

}  // namespace nucleus::container
