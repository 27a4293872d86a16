#include "resources/wishes.h"

#include <algorithm>

namespace nucleus::resources {
namespace {

// cgroup v1 counts weight as shares with 1024 for v2's 100; the kernel's own bounds are 2 and
// 262144.
std::uint64_t shares_of_weight(std::uint32_t weight) {
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(weight) * 1024 / 100, 2, 262'144);
}

std::string number(std::uint64_t value) { return std::to_string(value); }

Wish memory_wish(const spec::Resources& resources) {
  Wish wish{.controller = "memory", .flag = "--memory", .asked = true, .v1 = {}, .v2 = {}};
  if (resources.memory_reservation) {
    const std::string kept = number(resources.memory_reservation->bytes);
    wish.v1 = {
        {.file = "memory.soft_limit_in_bytes", .value = kept, .flag = "--memory-reservation"}};
    wish.v2 = {{.file = "memory.low", .value = kept, .flag = "--memory-reservation"}};
  }
  if (!resources.memory) return wish;
  const std::uint64_t memory = resources.memory->bytes;
  const std::uint64_t both = resources.memory_swap ? resources.memory_swap->bytes : memory;
  // v1 keeps memsw >= limit at every moment; a new cgroup has both without a limit, so the smaller
  // goes first.
  const std::vector<LimitFile> v1 = {
      {.file = "memory.limit_in_bytes", .value = number(memory), .flag = "--memory"},
      {.file = "memory.memsw.limit_in_bytes",
       .value = number(both),
       .flag = "--memory-swap",
       .if_there = !resources.memory_swap}};
  const std::vector<LimitFile> v2 = {
      {.file = "memory.max", .value = number(memory), .flag = "--memory"},
      {.file = "memory.swap.max",
       .value = number(both - memory),
       .flag = "--memory-swap",
       .if_there = !resources.memory_swap},
      {.file = "memory.oom.group", .value = "1", .flag = "--memory"}};
  wish.v1.insert(wish.v1.end(), v1.begin(), v1.end());
  wish.v2.insert(wish.v2.end(), v2.begin(), v2.end());
  return wish;
}

// blkio-controller.rst, "Throttling/Upper limit policy", and cgroup-v2.rst, "io.max".
Wish io_wish(const spec::Resources& resources) {
  Wish wish{.controller = "io", .flag = "--io-limit", .asked = true, .v1 = {}, .v2 = {}};
  for (const spec::IoLimit& limit : resources.io) {
    const bool bytes = limit.key == "rbps" || limit.key == "wbps";
    const std::string file = std::string("blkio.throttle.") +
                             (limit.key.starts_with('r') ? "read" : "write") +
                             (bytes ? "_bps_device" : "_iops_device");
    wish.v1.push_back(
        {.file = file, .value = limit.device + " " + number(limit.value), .flag = "--io-limit"});
    wish.v2.push_back({.file = "io.max",
                       .value = limit.device + " " + limit.key + "=" + number(limit.value),
                       .flag = "--io-limit"});
  }
  return wish;
}

}  // namespace

std::vector<Wish> wishes(const spec::Resources& resources, Extras extras) {
  std::vector<Wish> all;
  const bool usage = extras != Extras::none;
  const bool life = extras == Extras::life;
  const auto unasked = [&](const char* controller) {
    all.push_back(
        {.controller = controller, .flag = "--detach", .asked = false, .v1 = {}, .v2 = {}});
  };
  if (resources.pids) {
    const LimitFile limit{.file = "pids.max", .value = number(*resources.pids), .flag = "--pids"};
    all.push_back({.controller = "pids",
                   .flag = "--pids",
                   .asked = resources.pids_asked,
                   .v1 = {limit},
                   .v2 = {limit}});
  }
  if (resources.memory || resources.memory_reservation) {
    all.push_back(memory_wish(resources));
  } else if (usage) {
    all.push_back({.controller = "memory", .flag = "--json", .asked = false, .v1 = {}, .v2 = {}});
  }
  if (resources.cpus) {
    const std::string period = number(CpuQuota::kPeriodUsec);
    const std::string quota = number(resources.cpus->quota_usec);
    all.push_back({.controller = "cpu",
                   .flag = "--cpus",
                   .asked = true,
                   .v1 = {{.file = "cpu.cfs_period_us", .value = period, .flag = "--cpus"},
                          {.file = "cpu.cfs_quota_us", .value = quota, .flag = "--cpus"}},
                   .v2 = {{.file = "cpu.max", .value = quota + " " + period, .flag = "--cpus"}}});
  }
  if (resources.cpu_weight) {
    all.push_back({.controller = "cpu",
                   .flag = "--cpu-weight",
                   .asked = true,
                   .v1 = {{.file = "cpu.shares",
                           .value = number(shares_of_weight(*resources.cpu_weight)),
                           .flag = "--cpu-weight"}},
                   .v2 = {{.file = "cpu.weight",
                           .value = number(*resources.cpu_weight),
                           .flag = "--cpu-weight"}}});
  }
  if (life && !resources.cpus && !resources.cpu_weight) unasked("cpu");
  if (!resources.io.empty()) {
    all.push_back(io_wish(resources));
  } else if (life) {
    unasked("io");
  }
  if (!resources.cpuset_cpus.empty() || !resources.cpuset_mems.empty()) {
    Wish wish{.controller = "cpuset", .flag = "--cpuset-cpus", .asked = true, .v1 = {}, .v2 = {}};
    // A v1 cpuset takes no task before both lists are set; an empty wish means "as the parent",
    // filled in by create().
    wish.v1 = {{.file = "cpuset.cpus", .value = resources.cpuset_cpus, .flag = "--cpuset-cpus"},
               {.file = "cpuset.mems", .value = resources.cpuset_mems, .flag = "--cpuset-mems"}};
    for (const LimitFile& file : wish.v1) {
      if (!file.value.empty()) wish.v2.push_back(file);
    }
    all.push_back(std::move(wish));
  }
  if (usage)
    all.push_back({.controller = "cpuacct", .flag = "--json", .asked = false, .v1 = {}, .v2 = {}});
  if (life) unasked("freezer");
  return all;
}

}  // namespace nucleus::resources
