// What a workload without a root of its own sees of the host: places for Landlock, no mounts.
#pragma once

#include <vector>

#include "filesystem/host_view.h"
#include "filesystem/root_plan.h"
#include "spec/container_spec.h"

namespace nucleus::filesystem {

/// The descriptors (O_PATH) of what the spec names, opened and checked by the parent.
struct HostFds {
  int private_directory = -1;
  int context = -1;  // with --context-mode bind
  std::vector<int> volumes = {};
};

/// Programs, libraries and /etc to read and execute; the usual devices; a few files of /proc that
/// are about the machine; the private directory and the volumes as the spec has them. Looks which
/// of the host's are there. Everything else is out of reach.
[[nodiscard]] RootPlan plan_host_places(const spec::ContainerSpec& spec, const HostView& host,
                                        const HostFds& fds);

}  // namespace nucleus::filesystem
