// What is in force in a running container, as the kernel tells it; nothing here is taken from the
// plan.
#pragma once

#include <sys/types.h>

#include "spec/outcome.h"

namespace nucleus::container {

/// Reads /proc/PID/status and /proc/PID/ns of a live process. What cannot be read stays at its
/// default, "not in force".
[[nodiscard]] spec::Layers read_layers(pid_t pid);

}  // namespace nucleus::container
