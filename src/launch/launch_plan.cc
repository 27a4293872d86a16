#include "launch/launch_plan.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "isolation/namespaces.h"
#include "security/seccomp/filter.h"
#include "sys/file.h"

namespace nucleus::launch {
namespace {

constexpr rlim_t kSoftOpenFiles = 1024;   // select(2) breaks above
constexpr rlim_t kHardOpenFiles = 65536;  // a server may raise itself to this

// time_namespaces(7): a line a clock; one that stays as it is needs none.
std::string offsets_text(const spec::Clocks& clocks) {
  std::string text;
  const auto line = [&](const char* name, const spec::ClockOffset& offset) {
    if (offset.seconds == 0 && offset.nanoseconds == 0) return;
    text += std::string(name) + " " + std::to_string(offset.seconds) + " " +
            std::to_string(offset.nanoseconds) + "\n";
  };
  line("monotonic", clocks.monotonic);
  line("boottime", clocks.boottime);
  return text;
}

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
  ::getrlimit(RLIMIT_NPROC, &facts.processes);
  return facts;
}

bool keyrings_are_allowed() {
  return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0 ||
         errno != EPERM;
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
  if (facts.landlock_abi == 0 && !spec.may_miss.landlock) {
    return fail(
        Kind::runtime, ENOSYS, "apply", "Landlock",
        "boot the kernel with landlock in its lsm= list; a container around us may also hide it; "
        "--allow-degraded landlock goes on without");
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
  if (nproc != 0) {
    // The caller may be held to fewer: that holds inside too, and only root could raise it.
    const rlim_t most = std::min<rlim_t>(nproc, facts.processes.rlim_max);
    plan.rlimits.push_back({RLIMIT_NPROC, {.rlim_cur = most, .rlim_max = most}});
  }
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
  if (!spec.seccomp_allow.empty()) plan.filter = security::seccomp::filter_with(spec.seccomp_allow);
  if (spec.clocks) plan.clocks = offsets_text(*spec.clocks);
  plan.candidates = command_candidates(spec);
  return plan;
}

}  // namespace nucleus::launch
