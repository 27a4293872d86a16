// `nucleus run`: from a checked spec to the end of its workload, in the foreground, with nothing
// left behind.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "container/attendant.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"

namespace nucleus::container {

struct RunOptions {
  std::optional<std::string> state_root;  // instead of the caller's default
  std::optional<std::string>
      notify_socket;    // of a service manager that is to be told: sd_notify(3)
  std::string id;       // the container's; empty: a new one
  Attend attend;        // called when it has run for a moment; may be empty
  bool report = false;  // an outcome will be shown: measure usage, read back the layers
  std::function<void(const std::string&)>
      progress;  // told what takes long, and "" when that is over; may be empty
};

struct RunReport {
  spec::Outcome outcome;              // reason start_failed with code and message when nothing ran
  std::vector<std::string> warnings;  // what the user should see at once; also among outcome.notes
};

/// The path of the private directory that goes with an id: in $TMPDIR, else in /tmp.
[[nodiscard]] std::string private_path(const std::string& id);

/// Call from a process with one thread. Blocks until the workload has ended.
[[nodiscard]] RunReport run(const spec::ContainerSpec& spec, const RunOptions& options);

}  // namespace nucleus::container
