#include "container/invariants.h"

#include <linux/capability.h>

#include <algorithm>

#include "audit/log.h"
#include "container/rootfs_trust.h"
#include "launch/launch_plan.h"
#include "spec/names.h"
#include "spec/syscalls.h"

namespace nucleus::container {
namespace {

constexpr int kLeastLandlock = 3;

std::string when(bool broken, const char* fault) { return broken ? fault : ""; }

std::string weakened(const spec::ContainerSpec& spec) {
  std::string text;
  for (const auto& [may, name] : {std::pair{spec.may_miss.landlock, "landlock"},
                                  {spec.may_miss.keyring, "keyring"},
                                  {spec.may_miss.cgroup, "cgroup"}}) {
    if (may) text.append(text.empty() ? "--allow-degraded " : ", ").append(name);
  }
  return text;
}

// Ranges, not only their first ids.
bool contains_root(const std::vector<isolation::IdRange>& ranges) {
  return std::ranges::any_of(ranges, [](const isolation::IdRange& range) {
    return range.outside == 0 && range.count > 0;
  });
}

std::string fault_of_ids(const spec::ContainerSpec& spec, const Decision& decision) {
  if (spec.shares_host() || spec.userns == spec::UserNamespace::host)
    return "the ids are the host's";
  if (decision.maps.uids.empty() || decision.maps.gids.empty()) return "no ids are mapped";
  if (contains_root(decision.maps.uids)) return "the host's uid 0 is mapped";
  if (contains_root(decision.maps.gids)) return "the host's gid 0 is mapped";
  return {};
}

std::string fault_of_capabilities(const spec::ContainerSpec& spec) {
  std::string text;
  for (const int kept : spec.capabilities) {
    if (kept == CAP_NET_BIND_SERVICE || kept == CAP_KILL || kept == CAP_CHOWN) continue;
    text.append(text.empty() ? "it keeps " : ", ").append(spec::capability_name(kept));
  }
  return text;
}

std::string fault_of_calls(const spec::ContainerSpec& spec) {
  std::string text;
  for (const spec::OptionalCall& call : spec::optional_calls()) {
    if (std::ranges::find(spec.seccomp_allow, call.number) != spec.seccomp_allow.end())
      text.append(text.empty() ? "--seccomp-allow " : ", ").append(call.name);
  }
  return text;
}

std::string fault_of_cgroup(const Decision& decision) {
  if (decision.cgroup.empty()) return "no cgroup is made for it";
  return when(decision.cgroup.misses, "a limit would not be set");
}

std::string fault_of_landlock() {
  const int abi = launch::read_kernel_facts().landlock_abi;
  return abi >= kLeastLandlock ? "" : "the kernel's is " + std::to_string(abi);
}

std::string fault_of_audit(const spec::ContainerSpec& spec) {
  if (spec.audit_log.empty()) return "there is none";
  const auto good = audit::Log::check(spec.audit_log);
  return good ? "" : good.error().text();
}

}  // namespace

Result<std::vector<Invariant>> invariants(const spec::ContainerSpec& spec,
                                          const Decision& decision) {
  const bool host = spec.shares_host() || spec.userns == spec::UserNamespace::host;
  std::string distrust;
  if (spec.rootfs) {
    distrust = NUCLEUS_TRY(distrust_of_rootfs(decision.sources.rootfs.get(), *spec.rootfs,
                                              !spec.rootfs_sha256.empty()));
  }
  return std::vector<Invariant>{
      {.name = "not-degraded",
       .demand = "no layer may be missing",
       .fault = weakened(spec),
       .cure = "leave out --allow-degraded"},
      {.name = "isolated",
       .demand = "namespaces of its own for users, processes, mounts, network, IPC and names",
       .fault = when(host, "it shares the host's"),
       .cure = "leave out --isolation landlock and --userns host"},
      {.name = "network",
       .demand = "nothing of the host's network",
       .fault = when(spec.network == spec::NetworkMode::host, "--network host"),
       .cure = "leave it out"},
      {.name = "ids",
       .demand = "no id of the container is the host's 0",
       .fault = fault_of_ids(spec, decision),
       .cure = "leave out --userns host"},
      {.name = "rootfs",
       .demand = "a root file system of its own",
       .fault = when(!spec.rootfs, "it would see the host's /usr"),
       .cure = "give --rootfs DIR"},
      {.name = "rootfs-trusted",
       .demand = "nobody but root can change the root file system, or its digest is as attested",
       .fault = spec.rootfs ? distrust : "there is no rootfs",
       .cure = "chown it to root and chmod 0700 the directory above it; docs/production.md"},
      {.name = "memory-limit",
       .demand = "a limit of memory",
       .fault = when(!spec.resources.memory, "there is none"),
       .cure = "give --memory SIZE"},
      {.name = "cpu-limit",
       .demand = "a limit of processor time",
       .fault = when(!spec.resources.cpus, "there is none"),
       .cure = "give --cpus N"},
      {.name = "process-limit",
       .demand = "a limit of processes",
       .fault = when(!spec.resources.pids, "there is none"),
       .cure = "give --pids N"},
      {.name = "cgroup",
       .demand = "the limits are a cgroup's",
       .fault = fault_of_cgroup(decision),
       .cure = "start it where cgroups can be made: nucleus doctor tells"},
      {.name = "init",
       .demand = "process 1 is nucleus' own",
       .fault = when(!spec.init, "--no-init"),
       .cure = "leave it out"},
      {.name = "capabilities",
       .demand = "no capability but NET_BIND_SERVICE, KILL and CHOWN",
       .fault = fault_of_capabilities(spec),
       .cure = "leave out --cap-add of it"},
      {.name = "seccomp",
       .demand = "the built-in policy as it is",
       .fault = fault_of_calls(spec),
       .cure = "leave it out"},
      {.name = "landlock",
       .demand = "Landlock of ABI 3 or newer",
       .fault = fault_of_landlock(),
       .cure = "boot Linux 6.2 or newer with landlock among its lsm="},
      {.name = "proc",
       .demand = "/proc/sys and its like cannot be written, and processes of others are hidden",
       .fault = when(spec.proc_rw, "--proc-rw"),
       .cure = "leave it out"},
      {.name = "audit-log",
       .demand = "an audit log that can be written",
       .fault = fault_of_audit(spec),
       .cure = "give --audit-log FILE; docs/audit.md"},
  };
}

Result<> require_invariants(const spec::ContainerSpec& spec, const Decision& decision) {
  if (spec.mode != spec::ServiceMode::production) return {};
  std::string broken;
  for (const Invariant& invariant : NUCLEUS_TRY(invariants(spec, decision))) {
    if (invariant.fault.empty()) continue;
    broken.append(broken.empty() ? "" : "; ").append(invariant.name).append(": ");
    broken.append(invariant.fault).append(" (").append(invariant.cure).append(")");
  }
  if (broken.empty()) return {};
  return fail(Kind::usage, 0, "start in", "--service-mode production",
              "these invariants do not hold: " + broken);
}

}  // namespace nucleus::container
