#include "container/decision.h"

#include "container/record.h"
#include "filesystem/host_view.h"
#include "filesystem/root_plan.h"
#include "resources/hierarchy.h"

namespace nucleus::container {

Result<> decide(const spec::ContainerSpec& spec, const DecisionInput& input, Decision& into) {
  const bool separate = spec.userns == spec::UserNamespace::separate;
  into.sources = NUCLEUS_TRY(open_sources(spec, input.caller.uid == 0 && separate));
  if (resources::needs_cgroup(spec.resources, input.report || spec.detach, separate)) {
    const resources::Hierarchy hierarchy = NUCLEUS_TRY(resources::read_hierarchy());
    const resources::CgroupAccess access = NUCLEUS_TRY(resources::probe_access(hierarchy));
    const resources::Extras extras = spec.detach    ? resources::Extras::life
                                     : input.report ? resources::Extras::usage
                                                    : resources::Extras::none;
    into.cgroup = NUCLEUS_TRY(resources::plan_cgroup(hierarchy, access, cgroup_name(input.id),
                                                     spec.resources, extras, into.notes));
  }
  into.maps = NUCLEUS_TRY(isolation::choose_maps(spec, input.caller, input.state_root, into.notes));
  filesystem::RootPlan root =
      filesystem::plan_root(spec, into.sources.identities,
                            filesystem::read_host_view(spec.network == spec::NetworkMode::host));
  into.trees = tree_sources(spec, into.sources, root);
  const std::uint64_t nproc = into.cgroup.limits_pids ? 0 : spec.resources.pids.value_or(0);
  into.plan = NUCLEUS_TRY(
      launch::make_plan(spec, into.maps, std::move(root), launch::read_kernel_facts(), nproc));
  return {};
}

}  // namespace nucleus::container
