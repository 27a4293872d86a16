// What holds for every container in production mode, or it is not started: one list, for the start,
// for `--dry-run` and for people.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "container/decision.h"
#include "spec/container_spec.h"

namespace nucleus::container {

struct Invariant {
  const char* name;    // stable: "rootfs-trusted"
  const char* demand;  // what must hold, in one sentence without a full stop
  std::string fault;   // why it does not; empty: it holds
  std::string cure;    // what to do about it
};

/// All of them, for a start that has been decided; changes nothing. Errors: the rootfs cannot be
/// looked at.
[[nodiscard]] Result<std::vector<Invariant>> invariants(const spec::ContainerSpec& spec,
                                                        const Decision& decision);

/// Nothing for a container in agent mode. Errors (Kind::usage): each invariant that does not hold,
/// with what to do.
[[nodiscard]] Result<> require_invariants(const spec::ContainerSpec& spec,
                                          const Decision& decision);

}  // namespace nucleus::container
