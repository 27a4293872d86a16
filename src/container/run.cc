#include "container/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "container/context_filler.h"
#include "container/ending.h"
#include "container/host_processes.h"
#include "container/layers.h"
#include "container/private_directory.h"
#include "container/record.h"
#include "container/signals.h"
#include "container/sources.h"
#include "container/state_root.h"
#include "container/supervise.h"
#include "container/terminal.h"
#include "doctor/report.h"
#include "filesystem/host_places.h"
#include "filesystem/host_view.h"
#include "filesystem/root_plan.h"
#include "isolation/id_map.h"
#include "launch/launch_plan.h"
#include "launch/parent.h"
#include "resources/cgroup.h"
#include "resources/cgroup_plan.h"
#include "spec/validate.h"
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
    report_.outcome.id = options_.id.empty() ? new_id() : options_.id;
    report_.outcome.name = spec_.name;
    report_.outcome.labels = spec_.labels;
    auto facts = live();
    clear_up();
    spec::Outcome& outcome = report_.outcome;
    if (facts) {
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
    NUCLEUS_CHECK(write_pid_file(container.init.pid()));
    started_ = std::chrono::steady_clock::now();
    auto facts = supervise(plan_, container, cgroup_, signals_);
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
    if (spec_.isolation) NUCLEUS_CHECK(doctor::require(*spec_.isolation, caller));
    const bool idmapped =
        caller.uid == 0 && spec_.userns == spec::UserNamespace::separate && !spec_.shares_host();
    sources_ = NUCLEUS_TRY(open_sources(spec_, idmapped));
    const std::string root = NUCLEUS_TRY(open_state_root(options_.state_root, caller));
    reclaim_dead(root, kReclaimAtStart);
    std::vector<std::string>& notes = report_.outcome.notes;
    if (resources::needs_cgroup(
            spec_.resources, options_.report,
            spec_.userns == spec::UserNamespace::separate || spec_.shares_host())) {
      const resources::Hierarchy hierarchy = NUCLEUS_TRY(resources::read_hierarchy());
      const resources::CgroupAccess access = NUCLEUS_TRY(resources::probe_access(hierarchy));
      cgroup_plan_ =
          NUCLEUS_TRY(resources::plan_cgroup(hierarchy, access, cgroup_name(report_.outcome.id),
                                             spec_.resources, options_.report, notes));
    }
    maps_ = NUCLEUS_TRY(isolation::choose_maps(spec_, caller, root, notes));
    if (options_.report) level_ = level_of(caller);
    std::vector<std::string> paths;
    for (const resources::CgroupDirectory& directory : cgroup_plan_.directories)
      paths.push_back(directory.path);
    NUCLEUS_CHECK(write_id_file());
    record_ = NUCLEUS_TRY(
        Record::create(root, report_.outcome.id, spec_.name, paths, spec_.private_directory));
    return plan_launch();
  }

  Result<> plan_launch() {
    const filesystem::HostView host =
        filesystem::read_host_view(spec_.network == spec::NetworkMode::host);
    std::uint64_t nproc = cgroup_plan_.limits_pids ? 0 : spec_.resources.pids.value_or(0);
    filesystem::RootPlan root;
    if (spec_.shares_host()) {
      root = NUCLEUS_TRY(host_places(host));
      // Without a user namespace the kernel counts what the user has running already.
      if (nproc != 0) nproc += threads_of(spec_.identity.uid);
    } else {
      root = filesystem::plan_root(spec_, sources_.identities, host);
      trees_ = tree_sources(spec_, sources_, root);
    }
    plan_ = NUCLEUS_TRY(
        launch::make_plan(spec_, maps_, std::move(root), launch::read_kernel_facts(), nproc));
    plan_.read_back = options_.report;
    if (spec_.terminal) {
      const Terminal::Size size = Terminal::size();
      plan_.rows = size.rows;
      plan_.columns = size.columns;
    }
    return {};
  }

  Result<filesystem::RootPlan> host_places(const filesystem::HostView& host) {
    report_.outcome.notes.emplace_back(
        "weakened: --isolation landlock: no namespaces; files, processes and ids are the host's, "
        "held by Landlock and seccomp");
    private_ = NUCLEUS_TRY(PrivateDirectory::create(spec_.private_directory, spec_.identity));
    filesystem::HostFds fds{.private_directory = private_.fd(), .context = sources_.context.get()};
    for (const sys::UniqueFd& volume : sources_.volumes) fds.volumes.push_back(volume.get());
    return filesystem::plan_host_places(spec_, host, fds);
  }

  // As doctor counts: root without the limits that full has is no better than rootless.
  std::string level_of(const isolation::Caller& caller) const {
    using spec::IsolationLevel;
    if (spec_.shares_host()) return level_name(IsolationLevel::landlock);
    if (spec_.userns == spec::UserNamespace::host) return {};
    if (caller.uid == 0) {
      const bool limits =
          cgroup_plan_.limits_pids &&
          std::ranges::any_of(cgroup_plan_.directories, &resources::CgroupDirectory::memory);
      return level_name(limits ? IsolationLevel::full : IsolationLevel::rootless);
    }
    return level_name(maps_.writer == isolation::MapWriter::helpers
                          ? IsolationLevel::rootless
                          : IsolationLevel::rootless_single_id);
  }

  // With no root of its own to fill, the copy is there before the first process is.
  Result<> copy_context_to_private() {
    if (!spec_.shares_host() || !spec_.context || spec_.context->mode != spec::ContextMode::copy)
      return {};
    const sys::UniqueFd target = NUCLEUS_TRY(private_.make_inside("context", spec_.identity));
    return fill_context(
        spec_, sources_.context.get(), {.directory = target.get(), .pid = ::getpid()}, maps_,
        cgroup_, [this](int fd) { return signals_.await(fd); }, report_.warnings);
  }

  Result<launch::Launched> start() {
    cgroup_ = NUCLEUS_TRY(resources::Cgroup::create(cgroup_plan_));
    NUCLEUS_CHECK(copy_context_to_private());
    if (spec_.shares_host()) NUCLEUS_CHECK(become_subreaper());
    const auto await = [this](int fd) { return signals_.await(fd); };
    launch::Hooks hooks;
    hooks.await = await;
    hooks.fill_context = [&](int directory, pid_t pid) {
      return fill_context(spec_, sources_.context.get(), {.directory = directory, .pid = pid},
                          maps_, cgroup_, await, report_.warnings);
    };
    hooks.read_back = [this](pid_t pid) { read_back(pid); };
    return launch::launch(plan_, cgroup_, trees_, hooks, report_.warnings);
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
    layers.isolation = level_;
    // The workload runs, so landlock_restrict_self(2) has succeeded: the child goes no further
    // without it.
    layers.landlock = true;
    layers.landlock_abi = plan_.facts.landlock_abi;
    const auto paths = cgroup_.paths();
    if (!paths.empty()) layers.cgroup = paths.front();
    layers.limits_in_cgroup = !paths.empty();
  }

  void clear_up() {
    // A pid that has ended is anybody's.
    if (wrote_pid_) ::unlink(spec_.pid_file.c_str());
    if (spec_.shares_host()) end_orphans();
    auto removed = cgroup_.remove();
    if (const auto gone = private_.remove(); !gone && removed) removed = gone;
    if (removed) return record_.remove();
    report_.warnings.push_back(removed.error().text() + " (the next start tries again)");
    record_.abandon();
  }

  const spec::ContainerSpec& spec_;
  const RunOptions& options_;
  RunReport report_;
  Signals signals_;
  OpenSources sources_;
  resources::CgroupPlan cgroup_plan_;
  isolation::IdMaps maps_;
  launch::LaunchPlan plan_;
  std::vector<launch::TreeSource> trees_;
  std::string level_;
  Record record_;
  PrivateDirectory private_;
  bool wrote_id_ = false;
  bool wrote_pid_ = false;
  resources::Cgroup cgroup_;  // after the record: gone before it
  std::chrono::steady_clock::time_point started_;
};

}  // namespace

std::string private_path(const std::string& id) {
  const char* const given = std::getenv("TMPDIR");
  const bool named = given != nullptr && given[0] == '/';
  const std::string base = spec::normal_path(named ? given : "/tmp");
  return (base.empty() ? "/tmp" : base == "/" ? "" : base) + "/" + cgroup_name(id);
}

RunReport run(const spec::ContainerSpec& spec, const RunOptions& options) {
  return Runner(spec, options).run();
}

}  // namespace nucleus::container
