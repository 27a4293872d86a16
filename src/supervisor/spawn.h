// Starting a supervisor: nucleus itself, executed again in a session of its own, told by a sealed
// file what to do. Nothing of a request is on a command line or in an environment.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "spec/container_spec.h"

namespace nucleus::supervisor {

enum class Wish {
  run,     // a new container, started
  create,  // a new container, ready to be started
  start,   // one that has ended, again
};

struct Request {
  Wish wish = Wish::run;
  std::string root;  // the opened state root
  std::string id;
  // With Wish::start only how the supervisor is started is looked at: the record has the spec.
  spec::ContainerSpec spec;
};

struct Spawned {
  std::string id;
  std::vector<std::string> warnings;
};

/// Comes back when the container runs (or is ready), or with what went wrong; then nothing is left.
/// When the caller dies before, the start is given up.
[[nodiscard]] Result<Spawned> spawn(const Request& request);

/// The word by which nucleus is told to be a supervisor.
inline constexpr const char* kSupervisorWord = "supervise-container";

/// What runs then; the exit code. `address`: of who has started the unit that it is; null: what it
/// needs is among its descriptors.
int supervisor_main(const char* address);

}  // namespace nucleus::supervisor
