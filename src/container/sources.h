// The host's files and directories that a spec names: opened once, checked, and from then on known
// by descriptor.
#pragma once

#include <vector>

#include "base/error.h"
#include "container/volumes.h"
#include "filesystem/root_plan.h"
#include "isolation/id_map.h"
#include "launch/parent.h"
#include "spec/container_spec.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

struct OpenSources {
  sys::UniqueFd rootfs, context;
  std::vector<sys::UniqueFd> volumes;
  std::vector<NamedVolume> named;
  filesystem::Sources identities;
};

/// Opens every source. --context and --rootfs must be directories and no symbolic links (their last
/// component is not followed): whoever can replace a link would choose what is copied. A volume's
/// source may be a link, as with mount(8). `idmapped`: mount trees are to be made by the parent,
/// see filesystem::Sources. `make_volumes`: named volumes that are not there yet are made.
[[nodiscard]] Result<OpenSources> open_sources(const spec::ContainerSpec& spec, bool idmapped,
                                               bool make_volumes);

/// The trees for launch(), in the order of the plan's tree steps; empty when the child binds by
/// itself.
[[nodiscard]] std::vector<launch::TreeSource> tree_sources(const spec::ContainerSpec& spec,
                                                           const OpenSources& sources,
                                                           const filesystem::RootPlan& plan,
                                                           const isolation::IdMaps& maps);

}  // namespace nucleus::container
