// Stays with a running workload until it has ended: passes signals on, keeps the time, watches the
// limits.
#pragma once

#include "base/error.h"
#include "container/ending.h"
#include "container/signals.h"
#include "launch/launch_plan.h"
#include "launch/parent.h"
#include "resources/cgroup.h"

namespace nucleus::container {

/// Comes back when the workload and everything in its pid namespace is gone; with an error when it
/// turns out never to have been started.
[[nodiscard]] Result<EndFacts> supervise(const launch::LaunchPlan& plan,
                                         launch::Launched& container, resources::Cgroup& cgroup,
                                         Signals& signals);

}  // namespace nucleus::container
