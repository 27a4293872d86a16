#include "launch/launch_plan.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "isolation/namespaces.h"
#include "sys/file.h"

namespace nucleus::launch {
namespace {

constexpr rlim_t kSoftOpenFiles = 1024;   // select(2) breaks above
constexpr rlim_t kHardOpenFiles = 65536;  // a server may raise itself to this

}  // namespace

KernelFacts read_kernel_facts() {
  KernelFacts facts;
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  facts.landlock_abi = abi > 0 ? static_cast<int>(abi) : 0;
  if (const auto text = sys::read_file_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap")) {
    std::from_chars(text->data(), text->data() + text->size(), facts.last_capability);
  }
  ::getrlimit(RLIMIT_NOFILE, &facts.open_files);
  return facts;
}

std::vector<std::string> command_candidates(const spec::ContainerSpec& spec) {
  const std::string& command = spec.argv.front();
  if (command.find('/') != std::string::npos) return {command};
  std::vector<std::string> found;
  for (const std::string& item : spec.env) {
    if (!item.starts_with("PATH=")) continue;
    std::size_t at = 5;
    while (at <= item.size()) {
      const std::size_t end = std::min(item.find(':', at), item.size());
      // An empty entry is the working directory, as in execvp(3).
      found.push_back((end == at ? "." : item.substr(at, end - at)) + "/" + command);
      at = end + 1;
    }
  }
  return found;
}

Result<LaunchPlan> make_plan(const spec::ContainerSpec& spec, const isolation::IdMaps& maps,
                             filesystem::RootPlan root, const KernelFacts& facts,
                             std::uint64_t nproc) {
  if (facts.landlock_abi == 0) {
    return fail(
        Kind::runtime, ENOSYS, "apply", "Landlock",
        "boot the kernel with landlock in its lsm= list; a container around us may also hide it");
  }
  // Without the scope of signals the init's kill(-1) would be meant for all of the user's
  // processes.
  if (spec.shares_host() && facts.landlock_abi < 6) {
    return fail(Kind::runtime, ENOSYS, "hold signals with", "Landlock",
                "--isolation landlock needs Linux 6.12; see nucleus doctor");
  }
  LaunchPlan plan;
  plan.spec = &spec;
  plan.maps = &maps;
  plan.clone_flags = isolation::clone_flags(spec);
  plan.root = std::move(root);
  plan.facts = facts;
  const rlim_t hard = std::min(facts.open_files.rlim_max, kHardOpenFiles);
  plan.rlimits.push_back(
      {RLIMIT_NOFILE, {.rlim_cur = std::min(hard, kSoftOpenFiles), .rlim_max = hard}});
  plan.rlimits.push_back({RLIMIT_CORE, {.rlim_cur = 0, .rlim_max = 0}});
  // Where nucleus itself may have no more, neither may its workload.
  rlimit processes{};
  ::getrlimit(RLIMIT_NPROC, &processes);
  nproc = std::min<std::uint64_t>(nproc, processes.rlim_max);
  if (nproc != 0) plan.rlimits.push_back({RLIMIT_NPROC, {.rlim_cur = nproc, .rlim_max = nproc}});
  for (const spec::Ulimit& wish : spec.ulimits) {
    rlimit own{};
    ::getrlimit(static_cast<__rlimit_resource>(wish.resource), &own);
    if (wish.hard > own.rlim_max) {
      return fail(Kind::runtime, EPERM, "set --ulimit", wish.name,
                  "a hard limit cannot be raised: nucleus itself was started with " +
                      std::to_string(own.rlim_max));
    }
    std::erase_if(plan.rlimits, [&](const auto& other) { return other.first == wish.resource; });
    plan.rlimits.push_back({wish.resource, {.rlim_cur = wish.soft, .rlim_max = wish.hard}});
  }
  plan.candidates = command_candidates(spec);
  return plan;
}

}  // namespace nucleus::launch
