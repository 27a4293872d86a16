// What is done to a container that no supervisor holds, written into its audit log.
#pragma once

#include <functional>

#include "audit/event.h"
#include "base/error.h"
#include "store/store.h"

namespace nucleus::cli {

/// Does `act`, with the request for it before it and its result behind it in the container's audit
/// log, if it has one. Errors: those of `act`; the request cannot be written, and nothing was done.
[[nodiscard]] Result<> audited(const store::Store& store, const store::Entry& entry,
                               const char* event, const audit::Details& details,
                               const std::function<Result<>()>& act);

}  // namespace nucleus::cli
