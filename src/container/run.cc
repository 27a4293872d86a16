#include "container/run.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "audit/trail.h"
#include "container/life.h"
#include "container/notices.h"
#include "container/posture.h"
#include "container/record.h"
#include "container/service_manager.h"
#include "container/signals.h"
#include "container/state_root.h"
#include "container/terminal.h"
#include "spec/validate.h"
#include "sys/inherited.h"

namespace nucleus::container {
namespace {

// What has ended by then was never there for anybody else, and pays nothing for it.
constexpr std::chrono::milliseconds kUntilAttended{50};

// The one who runs a container in the foreground: hands on the signals that reach nucleus, and what
// goes through the terminal in front.
class Front {
 public:
  Front(const spec::ContainerSpec& spec, const RunOptions& options)
      : spec_(spec), options_(options) {}

  RunReport run() {
    const std::string id = options_.id.empty() ? new_id() : options_.id;
    const auto facts = live(id);
    RunReport report;
    if (attendant_) attendant_->ended();
    if (life_) {
      report.outcome = life_->finish(facts);
      report.warnings = life_->warnings();
    } else {
      report.outcome = never_begun(id, spec_, facts.error());
    }
    if (!facts && signals_.interrupted_by() != 0)
      report.outcome.code = 128 + signals_.interrupted_by();
    if (const auto told = tell_trail(facts, report.outcome); !told)
      report.warnings.push_back(told.error().text());
    if (attendant_) attendant_->over(report.outcome);
    return report;
  }

 private:
  Result<EndFacts> live(const std::string& id) {
    if (spec_.terminal && spec_.interactive && ::isatty(STDIN_FILENO) == 0) {
      return fail(Kind::usage, 0, "take --interactive with --tty from", "standard input",
                  "it is no terminal: leave --tty out");
    }
    if (spec_.preserve_fds != 0) NUCLEUS_CHECK(sys::claim_inherited(spec_.preserve_fds));
    if (options_.notify_socket)
      manager_ = NUCLEUS_TRY(ServiceManager::open(*options_.notify_socket));
    NUCLEUS_CHECK(signals_.hold());
    trail_ = NUCLEUS_TRY(audit::Trail::open(spec_.audit_log, id, spec_.name));
    NUCLEUS_CHECK(trail_.requested("start", audit::ourselves(), {}, spec_.argv));
    audited_ = trail_.on();
    LifeOptions options;
    options.id = id;
    options.caller = read_caller();
    options.state_root = NUCLEUS_TRY(open_state_root(options_.state_root, options.caller));
    const isolation::Caller caller = options.caller;
    const std::string state_root = options.state_root;
    options.report = options_.report;
    options.confirm = manager_.valid() || trail_.on();
    if (spec_.terminal) options.terminal = Terminal::size();
    options.await = [this](int fd, auto patience) { return signals_.await(fd, patience); };
    options.progress = options_.progress;
    life_.emplace(loop_, spec_, std::move(options));
    NUCLEUS_CHECK(life_->start([this](Result<EndFacts> ended) {
      ended_ = std::move(ended);
      loop_.stop();
    }));
    if (trail_.on()) {
      NUCLEUS_CHECK(trail_.done("start", audit::ourselves(), posture(spec_, life_->decision())));
      started_ = true;
    }
    if (manager_.valid()) NUCLEUS_CHECK(tell_of_the_start(id));
    NUCLEUS_CHECK(watch_front());
    if (options_.attend) {
      loop_.after(kUntilAttended, [this, id, caller, state_root] {
        attendant_ = options_.attend({loop_, *life_, spec_, trail_, caller, id, state_root});
      });
    }
    NUCLEUS_CHECK(loop_.run());
    if (notices_) notices_->read();
    tell_of_the_end();
    terminal_.drain();
    if (ended_ && ended_->killed_for == KilledFor::nothing) NUCLEUS_CHECK(terminal_.trouble());
    return ended_;
  }

  // With a workload that notifies it is the one who says when it is ready.
  Result<> tell_of_the_start(const std::string& id) {
    const std::string pid = "MAINPID=" + std::to_string(::getpid());
    sys::UniqueFd& socket = life_->running().container().notices;
    if (!socket.valid())
      return manager_.tell("READY=1\n" + pid + "\nSTATUS=Container " + id + " runs");
    NUCLEUS_CHECK(manager_.tell(pid + "\nSTATUS=Container " + id + " is starting"));
    notices_.emplace(loop_, std::move(socket), [this](const Notice& notice) {
      if (!manager_.valid() || notice.lines.empty()) return;
      const auto told = manager_.tell(notice.lines);
      // Without this one the manager would wait in vain; the others it can do without.
      if (told || !notice.ready) return;
      ended_ = std::unexpected(told.error());
      loop_.stop();
    });
    return {};
  }

  Result<> watch_front() {
    sys::UniqueFd& master = life_->running().container().terminal;
    if (master.valid())
      NUCLEUS_CHECK(terminal_.begin(std::move(master), spec_.interactive, &loop_));
    loop_.before_waiting([this] {
      if (!terminal_.unreadable()) return;
      ended_ = std::unexpected(terminal_.trouble().error());
      loop_.stop();
    });
    loop_.watch(signals_.fd(), POLLIN, [this](short) {
      if (const auto passed = pass_on(); !passed) {
        ended_ = std::unexpected(passed.error());
        loop_.stop();
      }
    });
    return {};
  }

  // One whose start was written down has an end there as well.
  Result<> tell_trail(const Result<EndFacts>& facts, const spec::Outcome& outcome) {
    if (!audited_) return {};
    if (!started_ && !facts) return trail_.failed("start", audit::ourselves(), facts.error());
    return trail_.done("exit", audit::ourselves(), end_details(outcome));
  }

  // The end comes, whether it is heard or not.
  void tell_of_the_end() {
    if (manager_.valid()) (void)manager_.tell("STOPPING=1");
    manager_ = ServiceManager();
  }

  Result<> pass_on() {
    Running& running = life_->running();
    while (const auto signal = signals_.next()) {
      if (*signal == SIGTERM || *signal == SIGINT || *signal == SIGQUIT) tell_of_the_end();
      if (!running.container().started && launch::is_being_set_up(running.container()))
        NUCLEUS_CHECK(signals_.interrupt(*signal));
      // The kernel tells those inside of a new size by itself.
      if (terminal_.active() && (*signal == SIGWINCH || *signal == SIGCONT)) {
        terminal_.refresh();
        continue;
      }
      NUCLEUS_CHECK(running.send(*signal));
    }
    return {};
  }

  const spec::ContainerSpec& spec_;
  const RunOptions& options_;
  Signals signals_;
  sys::EventLoop loop_;
  std::optional<Life> life_;
  Terminal terminal_;
  ServiceManager manager_;
  std::optional<Notices> notices_;
  audit::Trail trail_;
  std::unique_ptr<Attendant> attendant_;
  bool audited_ = false, started_ = false;  // as far as the trail has it
  Result<EndFacts> ended_ = EndFacts{};
};

}  // namespace

std::string private_path(const std::string& id) {
  const char* const given = std::getenv("TMPDIR");
  const bool named = given != nullptr && given[0] == '/';
  const std::string base = spec::normal_path(named ? given : "/tmp");
  return (base.empty() ? "/tmp" : base == "/" ? "" : base) + "/" + cgroup_name(id);
}

RunReport run(const spec::ContainerSpec& spec, const RunOptions& options) {
  return Front(spec, options).run();
}

}  // namespace nucleus::container
