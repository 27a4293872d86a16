// `nucleus run`: from a checked spec to the end of its workload, in the foreground, with nothing
// left behind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/container_spec.h"
#include "spec/outcome.h"

namespace nucleus::container {

struct RunOptions {
  std::optional<std::string> state_root;  // instead of the caller's default
  std::optional<std::string>
      notify_socket;    // of a service manager that is to be told: sd_notify(3)
  bool report = false;  // an outcome will be shown: measure usage, read back the layers
};

struct RunReport {
  spec::Outcome outcome;              // reason start_failed with code and message when nothing ran
  std::vector<std::string> warnings;  // what the user should see at once; also among outcome.notes
};

/// Call from a process with one thread. Blocks until the workload has ended.
[[nodiscard]] RunReport run(const spec::ContainerSpec& spec, const RunOptions& options);

}  // namespace nucleus::container
