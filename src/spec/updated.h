// Other limits for a container that there is: the same rules as for a new one.
#pragma once

#include "base/error.h"
#include "spec/container_spec.h"
#include "spec/draft.h"

namespace nucleus::spec {

/// Everything wrong with the changes in themselves, whatever container they are for.
[[nodiscard]] std::vector<Error> check_changes(const Draft& changes);

/// The spec with what `changes` says of its limits and its restart policy; the rest of the draft
/// is not looked at. Errors: Kind::usage, the first of those that validate() finds; in production
/// mode the limit of memory stays.
[[nodiscard]] Result<ContainerSpec> updated(const ContainerSpec& spec, const Draft& changes);

}  // namespace nucleus::spec
