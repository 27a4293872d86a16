#include "spec/updated.h"

#include <algorithm>

#include "spec/validate.h"

namespace nucleus::spec {
namespace {

// The draft of a new container that has these limits alone.
Draft draft_of(const Draft& changes) {
  Draft draft;
  draft.argv = {"true"};
  draft.detach = true;
  draft.memory = changes.memory;
  draft.memory_swap = changes.memory_swap;
  draft.memory_reservation = changes.memory_reservation;
  draft.cpus = changes.cpus;
  draft.cpu_weight = changes.cpu_weight;
  draft.pids = changes.pids;
  draft.cpuset_cpus = changes.cpuset_cpus;
  draft.io_limits = changes.io_limits;
  draft.restart = changes.restart;
  return draft;
}

// As docker and ulimit have it.
bool no_limit(const std::optional<std::string>& text) {
  return text && (*text == "unlimited" || *text == "-1");
}

// Of the three limits of memory that are measured by each other, swap's says nothing without the
// first.
Result<> check_no_limit(const Draft& changes) {
  if (!no_limit(changes.memory) || !changes.memory_swap) return {};
  return fail(Kind::usage, 0, "take this value for --memory-swap", *changes.memory_swap,
              "with --memory unlimited there is nothing that it is measured by: leave it out");
}

// Nothing of the caller's environment goes into limits.
const Surroundings kNowhere = {.getenv = [](const char*) -> const char* { return nullptr; },
                               .base = "/"};

std::string text_of(ByteSize size) { return std::to_string(size.bytes); }

}  // namespace

std::vector<Error> check_changes(const Draft& changes) {
  if (const auto good = check_no_limit(changes); !good) return {good.error()};
  Draft draft = draft_of(changes);
  if (no_limit(draft.memory)) draft.memory.reset();
  if (!draft.memory) draft.memory = draft.memory_swap;  // the container may have one
  return validate(draft, kNowhere).errors;
}

Result<ContainerSpec> updated(const ContainerSpec& spec, const Draft& changes) {
  const Resources& old = spec.resources;
  Draft draft = draft_of(changes);
  draft.remove = spec.supervision.remove;
  NUCLEUS_CHECK(check_no_limit(changes));
  const bool unlimited = no_limit(changes.memory);
  if (unlimited && spec.mode == ServiceMode::production) {
    return fail(Kind::usage, 0, "take this value for --memory", *changes.memory,
                "the container is in production mode, which has a limit of memory");
  }
  if (unlimited) draft.memory.reset();
  // These are measured by each other.
  if (!unlimited && !draft.memory && old.memory) draft.memory = text_of(*old.memory);
  if (!unlimited && !draft.memory_swap && old.memory_swap)
    draft.memory_swap = text_of(*old.memory_swap);
  if (!draft.memory_reservation && old.memory_reservation)
    draft.memory_reservation = text_of(*old.memory_reservation);
  Validation checked = validate(draft, kNowhere);
  if (!checked.spec) return std::unexpected(checked.errors.front());
  ContainerSpec next = spec;
  Resources& limits = next.resources;
  const Resources& asked = checked.spec->resources;
  limits.memory = asked.memory;
  limits.memory_swap = asked.memory_swap;
  limits.memory_reservation = asked.memory_reservation;
  if (changes.cpus) limits.cpus = asked.cpus;
  if (changes.cpu_weight) limits.cpu_weight = asked.cpu_weight;
  if (changes.cpuset_cpus) limits.cpuset_cpus = asked.cpuset_cpus;
  if (changes.pids) {
    limits.pids = asked.pids;
    limits.pids_asked = asked.pids_asked;
  }
  for (const IoLimit& limit : asked.io) {
    std::erase_if(limits.io, [&](const IoLimit& other) {
      return other.device == limit.device && other.key == limit.key;
    });
    limits.io.push_back(limit);
  }
  if (changes.restart) {
    next.supervision.restart = checked.spec->supervision.restart;
    next.supervision.restart_most = checked.spec->supervision.restart_most;
  }
  return next;
}

}  // namespace nucleus::spec
