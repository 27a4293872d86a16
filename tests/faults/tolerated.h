// Which calls of a start cannot fail, which are tried again, and which may fail without ending it,
// each with its reason.
#pragma once

#include "faults/tracer.h"

namespace nucleus::test {

/// Calls for which the kernel has no error in the way that nucleus makes them.
[[nodiscard]] bool cannot_fail(const Call& call);

/// Calls that a signal can interrupt: they are made once more, and the run goes on.
[[nodiscard]] bool is_restartable(const Call& call);

/// Why a start goes on when this call has failed so; null when it must not.
[[nodiscard]] const char* why_tolerated(const Call& call, int errnum);

}  // namespace nucleus::test
