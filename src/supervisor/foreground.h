// A container in the foreground, for those who are not in front of it: in the store for as long as
// it runs, with a control socket of its own. What is in front (its streams, its end) stays there.
#pragma once

#include <memory>

#include "container/attendant.h"

namespace nucleus::supervisor {

/// Null when it cannot be put into the store: it goes on, unseen.
[[nodiscard]] std::unique_ptr<container::Attendant> attend_foreground(
    const container::Attended& attended);

}  // namespace nucleus::supervisor
