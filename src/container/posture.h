// How a container was sealed, for the audit log.
#pragma once

#include "audit/event.h"
#include "container/decision.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"

namespace nucleus::container {

/// The isolation level, the ids, what Landlock and seccomp hold, what is kept or missing, and the
/// limits; of a start that has been decided.
[[nodiscard]] audit::Details posture(const spec::ContainerSpec& spec, const Decision& decision);

/// Reason, exit code and what else is known of an end.
[[nodiscard]] audit::Details end_details(const spec::Outcome& outcome);

}  // namespace nucleus::container
