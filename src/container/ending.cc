#include "container/ending.h"

#include <signal.h>

#include <string>

namespace nucleus::container {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  const auto count = time.count();
  if (count % 1000 != 0) return std::to_string(count) + "ms";
  return std::to_string(count / 1000);
}

void out_of_memory(const spec::ContainerSpec& spec, spec::Outcome& outcome) {
  outcome.reason = spec::Reason::oom;
  if (spec.resources.memory) {
    outcome.limit = "--memory " + spec.resources.memory->text();
    outcome.message = "out of memory: the workload needed more than " + outcome.limit +
                      " and was killed; raise --memory";
  } else {
    outcome.message =
        "out of memory: the host, or a cgroup above, had none left and the workload was killed";
  }
}

void out_of_pids(const spec::ContainerSpec& spec, const EndFacts& facts, spec::Outcome& outcome) {
  outcome.reason = spec::Reason::pids;
  outcome.limit = "--pids " + std::to_string(spec.resources.pids.value_or(0));
  outcome.message = "too many processes: the kernel refused " +
                    std::to_string(facts.counters.pids_refused.value_or(0)) + " new ones at " +
                    outcome.limit + "; raise --pids";
}

}  // namespace

void judge(const spec::ContainerSpec& spec, const EndFacts& facts, spec::Outcome& outcome) {
  outcome.signal = facts.killed_for == KilledFor::signal ? facts.signal : facts.status.signal;
  outcome.code = outcome.signal != 0 ? 128 + outcome.signal : facts.status.code;
  outcome.reason = outcome.signal != 0 ? spec::Reason::signaled : spec::Reason::exited;
  outcome.peak_memory_bytes = facts.counters.peak_memory_bytes;
  outcome.cpu_usec = facts.counters.cpu_usec;
  outcome.oom_kills = facts.counters.oom_kills;
  outcome.pids_refused = facts.counters.pids_refused;
  if (facts.killed_for == KilledFor::timeout) {
    outcome.reason = spec::Reason::timeout;
    outcome.limit = "--timeout " + seconds(spec.timeout.value_or(std::chrono::milliseconds(0)));
    outcome.message = "time-out: the workload ran longer than " + outcome.limit +
                      " and was killed; raise --timeout";
    return;
  }
  if (facts.killed_for == KilledFor::unhealthy) {
    outcome.reason = spec::Reason::unhealthy;
    outcome.limit = "--health-retries " + std::to_string(spec.supervision.health.retries);
    outcome.message = "unhealthy: its health probe failed again and again (" + outcome.limit +
                      ") and it was killed";
    return;
  }
  const bool failed = outcome.code != 0;
  // A shell that lost its child to the OOM killer ends with 137 of its own accord: the count tells
  // it apart.
  if (facts.killed_for == KilledFor::memory ||
      (failed && facts.counters.oom_kills.value_or(0) > 0)) {
    return out_of_memory(spec, outcome);
  }
  if (facts.killed_for == KilledFor::pids || (failed && facts.killed_for == KilledFor::nothing &&
                                              facts.counters.pids_refused.value_or(0) > 0)) {
    return out_of_pids(spec, facts, outcome);
  }
  if (outcome.signal == SIGSYS) {
    outcome.reason = spec::Reason::seccomp;
    outcome.limit = "the built-in seccomp policy";
    outcome.message =
        "seccomp: the workload made a system call that the built-in policy ends a program for "
        "(SIGSYS)";
  }
}

}  // namespace nucleus::container
