#include "container/decision.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "container/attestation.h"
#include "container/host_processes.h"
#include "container/record.h"
#include "doctor/report.h"
#include "filesystem/host_places.h"
#include "filesystem/host_view.h"
#include "filesystem/root_plan.h"
#include "resources/hierarchy.h"
#include "spec/syscalls.h"

namespace nucleus::container {
namespace {

// An ordinary user's container can open what the user can, and no cgroup of his holds devices.
std::vector<resources::DeviceRule> device_rules(const spec::ContainerSpec& spec,
                                                const filesystem::Sources& identities) {
  std::vector<resources::DeviceRule> rules;
  if (spec.devices.empty() || !identities.made_dev) return rules;
  const auto usual = resources::usual_devices();
  rules.assign(usual.begin(), usual.end());
  for (std::size_t index = 0; index < spec.devices.size(); ++index) {
    const filesystem::DeviceIdentity& device = identities.devices[index];
    rules.push_back({.major = gnu_dev_major(device.number),
                     .minor = gnu_dev_minor(device.number),
                     .block = device.block,
                     .read = spec.devices[index].read,
                     .write = spec.devices[index].write});
  }
  return rules;
}

// As doctor counts: root without the limits that full has is no better than rootless.
std::string level_of(const spec::ContainerSpec& spec, const isolation::Caller& caller,
                     const Decision& made) {
  using spec::IsolationLevel;
  if (spec.shares_host()) return level_name(IsolationLevel::landlock);
  if (spec.userns == spec::UserNamespace::host) return {};
  if (caller.uid == 0) {
    const bool limits =
        made.cgroup.limits_pids &&
        std::ranges::any_of(made.cgroup.directories, &resources::CgroupDirectory::memory);
    return level_name(limits ? IsolationLevel::full : IsolationLevel::rootless);
  }
  return level_name(made.maps.writer == isolation::MapWriter::helpers
                        ? IsolationLevel::rootless
                        : IsolationLevel::rootless_single_id);
}

Result<> decide_launch(const spec::ContainerSpec& spec, filesystem::RootPlan root,
                       std::uint64_t running, Decision& into) {
  std::uint64_t nproc = into.cgroup.limits_pids ? 0 : spec.resources.pids.value_or(0);
  if (nproc != 0) nproc += running;
  launch::KernelFacts facts = launch::read_kernel_facts();
  if (spec.may_miss.keyring) facts.keyrings = launch::keyrings_are_allowed();
  into.plan = NUCLEUS_TRY(launch::make_plan(spec, into.maps, std::move(root), facts, nproc));
  if (facts.landlock_abi == 0) {
    into.missing.emplace_back("landlock");
    into.notes.emplace_back("weakened: the kernel offers no Landlock");
  }
  if (!facts.keyrings) {
    into.missing.emplace_back("keyring");
    into.notes.emplace_back("weakened: the session keyring is the caller's, for keyctl is refused");
  }
  if (into.cgroup.misses) into.missing.emplace_back("cgroup");
  return {};
}

}  // namespace

Result<> decide(const spec::ContainerSpec& spec, const DecisionInput& input, Decision& into) {
  if (spec.isolation) NUCLEUS_CHECK(doctor::require(*spec.isolation, input.caller));
  const bool separate = spec.userns == spec::UserNamespace::separate;
  into.sources = NUCLEUS_TRY(open_sources(
      spec, input.caller.uid == 0 && separate && !spec.shares_host(), input.make_volumes));
  if (!spec.rootfs_sha256.empty()) {
    NUCLEUS_CHECK(check_attestation(into.sources.rootfs.get(), *spec.rootfs, spec.rootfs_sha256));
  }
  if (!spec.hooks.empty()) into.hooks = NUCLEUS_TRY(read_hooks(spec.hooks));
  const std::vector<resources::DeviceRule> devices = device_rules(spec, into.sources.identities);
  if (resources::needs_cgroup(spec.resources, input.report || spec.detach,
                              separate || spec.shares_host()) ||
      !devices.empty()) {
    const resources::Hierarchy hierarchy = NUCLEUS_TRY(resources::read_hierarchy());
    const resources::CgroupAccess access = NUCLEUS_TRY(resources::probe_access(hierarchy));
    into.cgroup =
        NUCLEUS_TRY(resources::plan_cgroup(hierarchy, access, cgroup_name(input.id),
                                           {.resources = spec.resources,
                                            .extras = spec.detach    ? resources::Extras::life
                                                      : input.report ? resources::Extras::usage
                                                                     : resources::Extras::none,
                                            .may_miss = spec.may_miss.cgroup,
                                            .devices = devices},
                                           into.notes));
  }
  into.maps = NUCLEUS_TRY(isolation::choose_maps(spec, input.caller, input.state_root, into.notes));
  for (const spec::OptionalCall& call : spec::optional_calls()) {
    if (std::ranges::find(spec.seccomp_allow, call.number) != spec.seccomp_allow.end())
      into.notes.push_back("weakened: --seccomp-allow " + std::string(call.name));
  }
  for (const spec::Device& device : spec.devices) into.notes.push_back("weakened: " + device.flag);
  for (const spec::Volume& volume : spec.volumes) {
    if (volume.owners == spec::OwnerMap::no && into.sources.identities.idmapped)
      into.notes.push_back("owners of files are not shown as they are in " + volume.flag);
  }
  into.level = level_of(spec, input.caller, into);
  if (spec.shares_host()) return {};
  filesystem::RootPlan root =
      filesystem::plan_root(spec, into.sources.identities,
                            filesystem::read_host_view(spec.network == spec::NetworkMode::host));
  into.trees = tree_sources(spec, into.sources, root, into.maps);
  return decide_launch(spec, std::move(root), 0, into);
}

Result<> decide_on_host(const spec::ContainerSpec& spec, int private_directory, Decision& into) {
  into.notes.emplace_back(
      "weakened: --isolation landlock: no namespaces; files, processes and ids are the host's, "
      "held by Landlock and seccomp");
  filesystem::HostFds fds{.private_directory = private_directory,
                          .context = into.sources.context.get()};
  for (const sys::UniqueFd& volume : into.sources.volumes) fds.volumes.push_back(volume.get());
  const filesystem::HostView host =
      filesystem::read_host_view(spec.network == spec::NetworkMode::host);
  // Without a user namespace the kernel counts what the user has running already.
  return decide_launch(spec, filesystem::plan_host_places(spec, host, fds),
                       threads_of(spec.identity.uid), into);
}

}  // namespace nucleus::container
