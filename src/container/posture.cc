#include "container/posture.h"

#include <sched.h>

#include "container/signals.h"
#include "isolation/id_map.h"
#include "spec/names.h"

namespace nucleus::container {
namespace {

void add_word(std::string& list, const std::string& word) {
  if (!list.empty()) list += ',';
  list += word;
}

std::string namespaces(std::uint64_t flags) {
  std::string list;
  for (const auto& [flag, name] : {std::pair{CLONE_NEWUSER, "user"},
                                   {CLONE_NEWPID, "pid"},
                                   {CLONE_NEWNS, "mnt"},
                                   {CLONE_NEWNET, "net"},
                                   {CLONE_NEWUTS, "uts"},
                                   {CLONE_NEWIPC, "ipc"},
                                   {CLONE_NEWCGROUP, "cgroup"}}) {
    if ((flags & static_cast<std::uint64_t>(flag)) != 0) add_word(list, name);
  }
  return list.empty() ? "none" : list;
}

}  // namespace

audit::Details posture(const spec::ContainerSpec& spec, const Decision& decision) {
  audit::Details details = {{"isolation", decision.level},
                            {"namespaces", namespaces(decision.plan.clone_flags)},
                            {"uid", std::to_string(spec.identity.uid)}};
  if (const auto outside = isolation::host_id(decision.maps.uids, spec.identity.uid))
    details.emplace_back("host_uid", std::to_string(*outside));
  details.emplace_back("landlock_abi", std::to_string(decision.plan.facts.landlock_abi));
  details.emplace_back(
      "seccomp", spec.seccomp_allow.empty()
                     ? "built-in"
                     : "built-in, less " + std::to_string(spec.seccomp_allow.size()) + " calls");
  std::string kept;
  for (const int capability : spec.capabilities) add_word(kept, spec::capability_name(capability));
  details.emplace_back("capabilities", kept.empty() ? "none" : kept);
  details.emplace_back("network", spec.network == spec::NetworkMode::host ? "host" : "none");
  const spec::Resources& limits = spec.resources;
  if (limits.memory) details.emplace_back("memory_bytes", std::to_string(limits.memory->bytes));
  if (limits.cpus) details.emplace_back("cpu_quota_usec", std::to_string(limits.cpus->quota_usec));
  if (limits.pids) details.emplace_back("pids", std::to_string(*limits.pids));
  std::string missing;
  for (const std::string& layer : decision.missing) add_word(missing, layer);
  if (!missing.empty()) details.emplace_back("missing", missing);
  return details;
}

audit::Details end_details(const spec::Outcome& outcome) {
  audit::Details details = {{"code", std::to_string(outcome.code)},
                            {"reason", spec::reason_name(outcome.reason)}};
  if (outcome.signal != 0) details.emplace_back("signal", signal_name(outcome.signal));
  if (!outcome.limit.empty()) details.emplace_back("limit", outcome.limit);
  if (!outcome.message.empty()) details.emplace_back("message", outcome.message);
  return details;
}

}  // namespace nucleus::container
