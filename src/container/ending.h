// From the facts of an end to its reason: exited, signalled, or which limit; and the line that says
// so.
#pragma once

#include "resources/cgroup.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"
#include "sys/process.h"

namespace nucleus::container {

/// Why nucleus itself ended the workload.
enum class KilledFor { nothing, timeout, memory, pids, signal, unhealthy };

struct EndFacts {
  sys::WaitStatus status =
      {};  // the workload's, as far as it is known: SIGKILL when it went down with the container
  KilledFor killed_for = KilledFor::nothing;
  int signal = 0;  // killed_for signal: the one that the workload would have died of
  resources::Counters counters = {};
};

/// Fills in code, signal, reason, limit and message. Pure.
void judge(const spec::ContainerSpec& spec, const EndFacts& facts, spec::Outcome& outcome);

}  // namespace nucleus::container
