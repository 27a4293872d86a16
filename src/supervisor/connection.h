// The helper process of a probe that connects: what it does between fork and exit.
#pragma once

#include <sys/types.h>

#include "spec/probe.h"

namespace nucleus::supervisor {

/// Joins the namespaces `flags` (CLONE_NEWUSER, CLONE_NEWNET) of process `pidfd`, connects to the
/// port at its loopback (127.0.0.1, then ::1) and, with http, asks for the path. Writes one line
/// into `output`. The exit code: 0 it answers. Ends when its parent does. It has no time of its
/// own: whoever started it kills it.
int connect_inside(const spec::Probe& probe, int pidfd, int flags, int output, pid_t parent);

}  // namespace nucleus::supervisor
