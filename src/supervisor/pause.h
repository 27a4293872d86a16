// A container that stands still, and goes on: its processes and those executed in it.
#pragma once

#include "base/error.h"
#include "container/life.h"
#include "store/store.h"

namespace nucleus::supervisor {

/// Comes back when everything stands still. Errors: it does not run, or is paused; it has no cgroup
/// to be frozen in; it does not come to a stand, and goes on.
[[nodiscard]] Result<> pause(container::Life& life, store::Held& held);

/// Errors: it is not paused.
[[nodiscard]] Result<> resume(container::Life& life, store::Held& held);

/// For who is to be sent a signal: what stands still hears none. No error when it was not paused.
void go_on(container::Life& life, store::Held& held);

/// Errors: it is paused; `op` reads after "cannot".
[[nodiscard]] Result<> need_not_paused(const store::Held& held, const char* op);

}  // namespace nucleus::supervisor
