// One start, decided: what each room planned, side by side, and the facts of the kernel that
// decided it.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "filesystem/root_plan.h"
#include "isolation/id_map.h"
#include "spec/container_spec.h"

namespace nucleus::launch {

/// What this kernel offers, asked once a start.
struct KernelFacts {
  int landlock_abi = 0;  // 0: none
  bool keyrings = true;  // false: keyctl(2) is refused to us
  int last_capability = 40;
  rlimit open_files{};  // our own: hard limits cannot be raised
  rlimit processes{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
};

[[nodiscard]] KernelFacts read_kernel_facts();

/// False where something around us, as Docker's seccomp policy, refuses keyctl(2): keyrings(7).
[[nodiscard]] bool keyrings_are_allowed();

struct LaunchPlan {
  const spec::ContainerSpec* spec = nullptr;
  const isolation::IdMaps* maps = nullptr;
  std::uint64_t clone_flags = 0;
  filesystem::RootPlan root;
  KernelFacts facts;
  std::vector<std::pair<int, rlimit>> rlimits;
  std::uint16_t rows = 0, columns = 0;  // of the terminal, when there is one
  bool park = false;                    // stop before the workload's execve, until release()
  std::vector<sock_filter> filter;      // instead of the built-in one; empty: that
  std::string clocks;                   // what goes into timens_offsets
  bool await_start = false;             // launch() comes back when the workload runs, not before
  bool read_back = false;  // hold the init after the start, so that Hooks.read_back finds it alive
  std::vector<std::string> candidates;  // the paths that the command may be at
};

/// `nproc`: the process limit when no cgroup holds it (0: none).
/// Errors: Landlock is missing. Landlock: Linux 5.13; source: landlock(7).
[[nodiscard]] Result<LaunchPlan> make_plan(const spec::ContainerSpec& spec,
                                           const isolation::IdMaps& maps, filesystem::RootPlan root,
                                           const KernelFacts& facts, std::uint64_t nproc);

/// Where a command is looked for: itself when it has a slash, else below each directory of the
/// container's PATH.
[[nodiscard]] std::vector<std::string> command_candidates(const spec::ContainerSpec& spec);

}  // namespace nucleus::launch
