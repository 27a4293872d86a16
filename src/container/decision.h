// Everything about one start that can be decided before anything is made. What is found wanting
// here has cost nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "container/oci_hooks.h"
#include "container/sources.h"
#include "isolation/id_map.h"
#include "launch/launch_plan.h"
#include "launch/parent.h"
#include "resources/cgroup_plan.h"
#include "spec/container_spec.h"

namespace nucleus::container {

struct Decision {
  Decision() = default;
  Decision(const Decision&) = delete;  // the plan points at the maps
  Decision& operator=(const Decision&) = delete;

  OpenSources sources;
  OciHooks hooks;
  resources::CgroupPlan cgroup;
  isolation::IdMaps maps;
  launch::LaunchPlan plan;
  std::vector<launch::TreeSource> trees;
  std::vector<std::string> missing;  // layers that the host cannot give and that may be missing
  std::string level;                 // the name of the isolation level that this is; may be empty
  std::vector<std::string> notes;    // fallbacks taken, values rounded
};

struct DecisionInput {
  isolation::Caller caller;
  std::string id;  // of the container, for the names of its cgroups
  bool report = false;
  bool make_volumes = false;              // those that are named and not there yet
  std::optional<std::string> state_root;  // holds the leases of id ranges; absent: none is taken
};

/// `spec` must outlive `into`. Errors: what was asked for and is not there, or cannot be had here.
[[nodiscard]] Result<> decide(const spec::ContainerSpec& spec, const DecisionInput& input,
                              Decision& into);

/// The second half for a container that shares the host: when its private directory (a descriptor,
/// or -1 for a mere preview) has been made. decide() leaves `plan` empty then.
[[nodiscard]] Result<> decide_on_host(const spec::ContainerSpec& spec, int private_directory,
                                      Decision& into);

}  // namespace nucleus::container
