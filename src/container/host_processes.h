// Processes of a workload without a pid namespace: counted before, ended after.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace nucleus::container {

/// Whether this process can give a workload other ids than its own: it has CAP_SETUID, CAP_SETGID,
/// CAP_CHOWN and CAP_SETPCAP. A root in somebody's container need not have them.
[[nodiscard]] bool may_change_ids();

/// Threads of a user on this host, as far as /proc shows them: RLIMIT_NPROC counts them together.
[[nodiscard]] std::uint64_t threads_of(std::uint32_t uid);

/// From now on what is orphaned below us becomes our child: an init that was killed leaves nothing
/// out of reach. Kernel 3.4. Source: PR_SET_CHILD_SUBREAPER(2const).
[[nodiscard]] Result<> become_subreaper();

/// Kills and reaps every child of ours, and what then becomes one, until there is none.
void end_orphans();

}  // namespace nucleus::container
