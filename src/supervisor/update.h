// Other limits, and another restart policy, for a container that there is: in its cgroups when it
// runs, in its spec and in its record; all of it or nothing.
#pragma once

#include <string>

#include "audit/event.h"
#include "base/error.h"
#include "resources/cgroup.h"
#include "spec/container_spec.h"
#include "spec/draft.h"
#include "store/store.h"

namespace nucleus::supervisor {

/// The request {"op":"update",...}, and what it asks for.
[[nodiscard]] std::string update_request(const spec::Draft& changes);
/// What it changes, for the audit log.
[[nodiscard]] audit::Details changes_told(const std::string& request);

[[nodiscard]] Result<spec::Draft> changes_asked(const std::string& request);

/// `spec` is the container's, and changes with it. `cgroup`: null when it does not run. Errors: the
/// changes contradict what holds; a limit that cannot be set; everything is then as it was.
[[nodiscard]] Result<> update(const spec::Draft& changes, spec::ContainerSpec& spec,
                              store::Held& held, const resources::Cgroup* cgroup);

}  // namespace nucleus::supervisor
