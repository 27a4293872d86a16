#include "container/life.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "container/context_filler.h"
#include "container/host_processes.h"
#include "container/invariants.h"
#include "container/layers.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

// A start pays for clearing up after dead ones, so it looks at a few records only; `nucleus prune`
// looks at all.
constexpr std::size_t kReclaimAtStart = 16;

void judge_start(const Error& error, spec::Outcome& outcome) {
  outcome.reason = spec::Reason::start_failed;
  outcome.message = error.text();
  outcome.code = spec::exit_code(error.kind);
}

void name_it(const std::string& id, const spec::ContainerSpec& spec, spec::Outcome& outcome) {
  outcome.id = id;
  outcome.name = spec.name;
  outcome.labels = spec.labels;
}

}  // namespace

Life::Life(sys::EventLoop& loop, const spec::ContainerSpec& spec, LifeOptions options)
    : loop_(loop), spec_(spec), options_(std::move(options)) {
  name_it(options_.id, spec_, outcome_);
}

Life::~Life() = default;

Result<> Life::start(Running::Ended ended) {
  NUCLEUS_CHECK(prepare());
  running_.emplace(loop_, decision_.plan, NUCLEUS_TRY(launch()), cgroup_, std::move(ended));
  if (!options_.park) run_late(decision_.hooks.poststart, "running", running_->pid());
  NUCLEUS_CHECK(write_pid_file());
  started_ = sys::EventLoop::Clock::now();
  running_->begin();
  return {};
}

Result<> Life::release() {
  const auto released = launch::release(decision_.plan, running_->container(), hooks());
  if (!released) {
    running_->give_up(released.error());
    return released;
  }
  run_late(decision_.hooks.poststart, "running", running_->pid());
  started_ = sys::EventLoop::Clock::now();
  return {};
}

// Everything that can be decided is decided, and what was asked for is found to be there, before
// anything is made.
Result<> Life::prepare() {
  reclaim_dead(options_.state_root, kReclaimAtStart);
  const auto decided = decide(spec_,
                              {.caller = options_.caller,
                               .id = options_.id,
                               .report = options_.report,
                               .make_volumes = true,
                               .state_root = options_.state_root},
                              decision_);
  outcome_.notes = decision_.notes;
  NUCLEUS_CHECK(decided);
  NUCLEUS_CHECK(require_invariants(spec_, decision_));
  std::vector<std::string> paths;
  for (const resources::CgroupDirectory& directory : decision_.cgroup.directories)
    paths.push_back(directory.path);
  NUCLEUS_CHECK(write_id_file());
  record_ = NUCLEUS_TRY(Record::create(options_.state_root, options_.id,
                                       options_.named ? spec_.name : std::string(), paths,
                                       spec_.private_directory));
  if (spec_.shares_host()) {
    private_ = NUCLEUS_TRY(PrivateDirectory::create(spec_.private_directory, spec_.identity));
    const auto on_host = decide_on_host(spec_, private_.fd(), decision_);
    outcome_.notes = decision_.notes;
    NUCLEUS_CHECK(on_host);
  }
  if (spec_.context && spec_.context->verify && spec_.context->mode == spec::ContextMode::bind) {
    outcome_.context_sha256 =
        NUCLEUS_TRY(context_digest(*spec_.context, decision_.sources.context.get()));
  }
  launch::LaunchPlan& plan = decision_.plan;
  plan.read_back = options_.report;
  plan.park = options_.park;
  plan.await_start = options_.confirm || !decision_.hooks.poststart.empty();
  if (spec_.terminal) {
    plan.rows = options_.terminal.rows;
    plan.columns = options_.terminal.columns;
  }
  return {};
}

launch::Hooks Life::hooks() {
  launch::Hooks hooks;
  const auto await = [this](int fd) -> Result<> {
    NUCLEUS_CHECK(options_.await(fd, std::chrono::milliseconds(-1)));
    return {};
  };
  hooks.await = await;
  hooks.fill_context = [this](int directory, pid_t pid) {
    return fill_context(spec_, decision_.sources.context.get(),
                        {.directory = directory, .pid = pid}, decision_.maps, cgroup_,
                        {.await = options_.await, .progress = options_.progress}, warnings_,
                        outcome_.context_sha256);
  };
  if (!decision_.hooks.before.empty()) {
    hooks.created = [this, await](pid_t pid) -> Result<> {
      for (const OciHook& hook : decision_.hooks.before)
        NUCLEUS_CHECK(run_hook(hook, hook_state("creating", pid), await));
      return {};
    };
  }
  hooks.read_back = [this](pid_t pid) { read_back(pid); };
  return hooks;
}

Result<launch::Launched> Life::launch() {
  cgroup_ = NUCLEUS_TRY(resources::Cgroup::create(decision_.cgroup));
  NUCLEUS_CHECK(copy_context_to_private());
  if (spec_.shares_host()) NUCLEUS_CHECK(become_subreaper());
  launched_ = true;
  return launch::launch(decision_.plan, cgroup_, decision_.trees, hooks(), warnings_);
}

// Docker's rule: a file that is there may be the id of another container.
Result<> Life::write_id_file() {
  if (spec_.cidfile.empty()) return {};
  auto file = sys::open_at(AT_FDCWD, spec_.cidfile, O_WRONLY | O_CREAT | O_EXCL, 0644,
                           "create the --cidfile");
  if (!file) {
    if (file.error().errnum == EEXIST) file.error().hint = "remove it, or name another";
    return std::unexpected(std::move(file.error()));
  }
  wrote_id_ = true;
  return sys::write_all(file->get(), options_.id, spec_.cidfile);
}

Result<> Life::write_pid_file() {
  if (spec_.pid_file.empty()) return {};
  const auto file =
      NUCLEUS_TRY(sys::open_at(AT_FDCWD, spec_.pid_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                               0644, "write the --pid-file"));
  wrote_pid_ = true;
  return sys::write_all(file.get(), std::to_string(running_->pid()), spec_.pid_file);
}

void Life::read_back(pid_t pid) {
  spec::Layers& layers = outcome_.layers;
  layers = read_layers(pid);
  layers.isolation = decision_.level;
  // The workload runs, so landlock_restrict_self(2) has succeeded where the kernel has it: the
  // child goes no further without it.
  layers.landlock_abi = decision_.plan.facts.landlock_abi;
  layers.landlock = layers.landlock_abi != 0;
  layers.missing = decision_.missing;
  const auto paths = cgroup_.paths();
  if (!paths.empty()) layers.cgroup = paths.front();
  layers.limits_in_cgroup = !paths.empty();
}

spec::Outcome Life::finish(const Result<EndFacts>& facts) {
  if (running_) {
    outcome_.wall_usec =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       sys::EventLoop::Clock::now() - started_)
                                       .count());
  }
  running_.reset();
  clear_up();
  if (launched_) run_late(decision_.hooks.poststop, "stopped", 0);
  if (facts) {
    for (NamedVolume& volume : decision_.sources.named) volume.keep();
    judge(spec_, *facts, outcome_);
  } else {
    if (wrote_id_) ::unlink(spec_.cidfile.c_str());
    judge_start(facts.error(), outcome_);
  }
  outcome_.notes.insert(outcome_.notes.end(), warnings_.begin(), warnings_.end());
  return std::move(outcome_);
}

// With no root of its own to fill, the copy is there before the first process is.
Result<> Life::copy_context_to_private() {
  if (!spec_.shares_host() || !spec_.context || spec_.context->mode != spec::ContextMode::copy)
    return {};
  const sys::UniqueFd target = NUCLEUS_TRY(private_.make_inside("context", spec_.identity));
  return fill_context(spec_, decision_.sources.context.get(),
                      {.directory = target.get(), .pid = ::getpid()}, decision_.maps, cgroup_,
                      {.await = options_.await, .progress = options_.progress}, warnings_,
                      outcome_.context_sha256);
}

HookState Life::hook_state(const char* status, pid_t pid) const {
  return {.id = outcome_.id, .status = status, .pid = pid, .annotations = spec_.labels};
}

// The OCI's rule: what runs already, or has run, is not undone for a hook's sake.
void Life::run_late(const std::vector<OciHook>& hooks, const char* status, pid_t pid) {
  const auto await = [](int fd) -> Result<> {
    pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
    while (::poll(&wanted, 1, -1) < 0 && errno == EINTR) {
    }
    return {};
  };
  for (const OciHook& hook : hooks) {
    const auto done = run_hook(hook, hook_state(status, pid), await);
    if (!done) warnings_.push_back(done.error().text());
  }
}

void Life::clear_up() {
  // A pid that has ended is anybody's.
  if (wrote_pid_ && ::unlink(spec_.pid_file.c_str()) < 0 && errno != ENOENT) {
    warnings_.push_back(
        fail(Kind::runtime, errno, "remove the --pid-file", spec_.pid_file).error().text());
  }
  if (spec_.shares_host()) end_orphans();
  auto removed = cgroup_.remove();
  if (const auto gone = private_.remove(); !gone && removed) removed = gone;
  if (removed) return record_.remove();
  warnings_.push_back(removed.error().text() + " (the next start tries again)");
  record_.abandon();
}

spec::Outcome never_begun(const std::string& id, const spec::ContainerSpec& spec,
                          const Error& error) {
  spec::Outcome outcome;
  name_it(id, spec, outcome);
  judge_start(error, outcome);
  return outcome;
}

}  // namespace nucleus::container
