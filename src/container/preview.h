// What a start would do, told step by step: `nucleus run --dry-run`. Reads what a start reads, and
// makes nothing.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "container/run.h"
#include "spec/container_spec.h"

namespace nucleus::container {

struct PreviewStep {
  std::string step;    // "tmpfs", "memory.max", "rlimit"
  std::string object;  // what it is done to; may be empty
  std::string detail;  // how; may be empty
};

struct PreviewPart {
  std::string name;  // "namespaces", "ids", "cgroup", "root", "seal", "command"
  std::vector<PreviewStep> steps;
};

struct Preview {
  std::vector<PreviewPart> parts;
  std::vector<std::string> notes;
  bool refused = false;  // an invariant of production does not hold: it would not start
};

/// Errors: those of a start that come before anything is made.
[[nodiscard]] Result<Preview> preview(const spec::ContainerSpec& spec, const RunOptions& options);

}  // namespace nucleus::container
