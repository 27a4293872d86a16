#include "container/run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "container/context_filler.h"
#include "container/decision.h"
#include "container/ending.h"
#include "container/layers.h"
#include "container/record.h"
#include "container/signals.h"
#include "container/state_root.h"
#include "container/supervise.h"
#include "container/terminal.h"
#include "launch/parent.h"
#include "resources/cgroup.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

// A start pays for clearing up after dead ones, so it looks at a few records only; `nucleus prune`
// looks at all.
constexpr std::size_t kReclaimAtStart = 16;

class Runner {
 public:
  Runner(const spec::ContainerSpec& spec, const RunOptions& options)
      : spec_(spec), options_(options) {}

  RunReport run() {
    report_.outcome.id = new_id();
    report_.outcome.name = spec_.name;
    report_.outcome.labels = spec_.labels;
    auto facts = live();
    clear_up();
    if (launched_) run_late(decision_.hooks.poststop, "stopped", 0);
    spec::Outcome& outcome = report_.outcome;
    if (facts) {
      for (NamedVolume& volume : decision_.sources.named) volume.keep();
      judge(spec_, *facts, outcome);
    } else {
      outcome.reason = spec::Reason::start_failed;
      if (wrote_id_) ::unlink(spec_.cidfile.c_str());
      outcome.message = facts.error().text();
      outcome.code = signals_.interrupted_by() != 0 ? 128 + signals_.interrupted_by()
                                                    : spec::exit_code(facts.error().kind);
    }
    outcome.notes.insert(outcome.notes.end(), report_.warnings.begin(), report_.warnings.end());
    return std::move(report_);
  }

 private:
  Result<EndFacts> live() {
    if (spec_.terminal && spec_.interactive && ::isatty(STDIN_FILENO) == 0) {
      return fail(Kind::usage, 0, "take --interactive with --tty from", "standard input",
                  "it is no terminal: leave --tty out");
    }
    NUCLEUS_CHECK(signals_.hold());
    NUCLEUS_CHECK(prepare());
    auto container = NUCLEUS_TRY(start());
    run_late(decision_.hooks.poststart, "running", container.init.pid());
    NUCLEUS_CHECK(write_pid_file(container.init.pid()));
    started_ = std::chrono::steady_clock::now();
    auto facts = supervise(decision_.plan, container, cgroup_, signals_);
    report_.outcome.wall_usec =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       std::chrono::steady_clock::now() - started_)
                                       .count());
    return facts;
  }

  // Everything that can be decided is decided, and what was asked for is found to be there, before
  // anything is made.
  Result<> prepare() {
    const isolation::Caller caller = read_caller();
    const std::string root = NUCLEUS_TRY(open_state_root(options_.state_root, caller));
    reclaim_dead(root, kReclaimAtStart);
    const auto decided = decide(spec_,
                                {.caller = caller,
                                 .id = report_.outcome.id,
                                 .report = options_.report,
                                 .make_volumes = true,
                                 .state_root = root},
                                decision_);

    report_.outcome.notes = decision_.notes;
    NUCLEUS_CHECK(decided);
    if (spec_.context && spec_.context->verify && spec_.context->mode == spec::ContextMode::bind) {
      report_.outcome.context_sha256 =
          NUCLEUS_TRY(context_digest(*spec_.context, decision_.sources.context.get()));
    }
    launch::LaunchPlan& plan = decision_.plan;
    plan.read_back = options_.report;
    plan.await_start = !decision_.hooks.poststart.empty();
    if (spec_.terminal) {
      const Terminal::Size size = Terminal::size();
      plan.rows = size.rows;
      plan.columns = size.columns;
    }
    std::vector<std::string> paths;
    for (const resources::CgroupDirectory& directory : decision_.cgroup.directories)
      paths.push_back(directory.path);
    NUCLEUS_CHECK(write_id_file());
    record_ = NUCLEUS_TRY(Record::create(root, report_.outcome.id, spec_.name, paths));
    return {};
  }

  Result<launch::Launched> start() {
    cgroup_ = NUCLEUS_TRY(resources::Cgroup::create(decision_.cgroup));
    launch::Hooks hooks;
    hooks.await = [this](int fd) { return signals_.await(fd); };
    const FillHooks fill_hooks{
        .await = [this](int fd, auto patience) { return signals_.await(fd, patience); },
        .progress = options_.progress};
    hooks.fill_context = [&](int directory, pid_t pid) {
      return fill_context(spec_, decision_.sources.context.get(),
                          {.directory = directory, .pid = pid}, decision_.maps, cgroup_, fill_hooks,
                          report_.warnings, report_.outcome.context_sha256);
    };
    if (!decision_.hooks.before.empty()) {
      hooks.created = [this, &hooks](pid_t pid) -> Result<> {
        for (const OciHook& hook : decision_.hooks.before)
          NUCLEUS_CHECK(run_hook(hook, state("creating", pid), hooks.await));
        return {};
      };
    }
    launched_ = true;
    hooks.read_back = [this](pid_t pid) { read_back(pid); };
    return launch::launch(decision_.plan, cgroup_, decision_.trees, hooks, report_.warnings);
  }

  HookState state(const char* status, pid_t pid) const {
    return {.id = report_.outcome.id, .status = status, .pid = pid, .annotations = spec_.labels};
  }

  // The OCI's rule: what runs already, or has run, is not undone for a hook's sake.
  void run_late(const std::vector<OciHook>& hooks, const char* status, pid_t pid) {
    const auto await = [](int fd) -> Result<> {
      pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
      while (::poll(&wanted, 1, -1) < 0 && errno == EINTR) {
      }
      return {};
    };
    for (const OciHook& hook : hooks) {
      const auto done = run_hook(hook, state(status, pid), await);
      if (!done) report_.warnings.push_back(done.error().text());
    }
  }

  // Docker's rule: a file that is there may be the id of another container.
  Result<> write_id_file() {
    if (spec_.cidfile.empty()) return {};
    auto file = sys::open_at(AT_FDCWD, spec_.cidfile, O_WRONLY | O_CREAT | O_EXCL, 0644,
                             "create the --cidfile");
    if (!file) {
      if (file.error().errnum == EEXIST) file.error().hint = "remove it, or name another";
      return std::unexpected(std::move(file.error()));
    }
    wrote_id_ = true;
    return sys::write_all(file->get(), report_.outcome.id, spec_.cidfile);
  }

  Result<> write_pid_file(pid_t pid) {
    if (spec_.pid_file.empty()) return {};
    const auto file = NUCLEUS_TRY(sys::open_at(AT_FDCWD, spec_.pid_file,
                                               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644,
                                               "write the --pid-file"));
    wrote_pid_ = true;
    return sys::write_all(file.get(), std::to_string(pid), spec_.pid_file);
  }

  void read_back(pid_t pid) {
    spec::Layers& layers = report_.outcome.layers;
    layers = read_layers(pid);
    // The workload runs, so landlock_restrict_self(2) has succeeded where the kernel has it: the
    // child goes no further without it.
    layers.landlock_abi = decision_.plan.facts.landlock_abi;
    layers.landlock = layers.landlock_abi != 0;
    layers.missing = decision_.missing;

    const auto paths = cgroup_.paths();
    if (!paths.empty()) layers.cgroup = paths.front();
    layers.limits_in_cgroup = !paths.empty();
  }

  void clear_up() {
    // A pid that has ended is anybody's.
    if (wrote_pid_ && ::unlink(spec_.pid_file.c_str()) < 0 && errno != ENOENT) {
      report_.warnings.push_back(
          fail(Kind::runtime, errno, "remove the --pid-file", spec_.pid_file).error().text());
    }
    const auto removed = cgroup_.remove();
    if (removed) return record_.remove();
    report_.warnings.push_back(removed.error().text() + " (the next start tries again)");
    record_.abandon();
  }

  const spec::ContainerSpec& spec_;
  const RunOptions& options_;
  RunReport report_;
  Signals signals_;
  Decision decision_;
  Record record_;
  bool launched_ = false;
  bool wrote_id_ = false;
  bool wrote_pid_ = false;
  resources::Cgroup cgroup_;  // after the record: gone before it
  std::chrono::steady_clock::time_point started_;
};

}  // namespace

RunReport run(const spec::ContainerSpec& spec, const RunOptions& options) {
  return Runner(spec, options).run();
}

}  // namespace nucleus::container
