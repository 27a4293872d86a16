// LaunchPlan to ChildScript: flat arrays, C strings, open descriptors; nothing is left to decide or
// allocate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "launch/child/script.h"
#include "launch/launch_plan.h"
#include "resources/cgroup.h"
#include "sys/unique_fd.h"

namespace nucleus::launch {

/// Owns what `script` points to. The plan must outlive it: strings are not copied.
struct Frozen {
  child::Script script;
  std::vector<child::MountStep> steps;
  std::vector<child::Place> places;
  std::vector<child::Limit> limits;
  std::vector<const char*> candidates, argv, envp;
  std::vector<sys::UniqueFd> place_fds;
  sys::UniqueFd init_image;
  sys::UniqueFd init_config;
};

[[nodiscard]] Result<std::unique_ptr<Frozen>> freeze(const LaunchPlan& plan, int child_socket);

/// What the init does besides running its workload.
struct InitTasks {
  bool confirm = false;         // wait for a `go` after the start
  bool terminal = false;        // the streams are one
  bool park = false;            // wait for a `go` before the start
  std::uint32_t preserved = 0;  // descriptors from kPreservedFd on for the workload, as 3, 4, ...
  bool subreaper = false;       // there is no pid namespace: see launch/init/config.h
};

/// The init's configuration as one block. Exposed for tests.
[[nodiscard]] std::string init_config(const std::vector<std::string>& candidates,
                                      const std::vector<std::string>& argv,
                                      const std::vector<std::string>& envp, InitTasks tasks = {});

/// The ways into v1 cgroups, open for as long as it lives; the script knows them.
class Entrances {
 public:
  Entrances(std::vector<resources::Entrance> opened, child::Script& script);

 private:
  std::vector<resources::Entrance> opened_;
  std::vector<child::Entrance> plain_;
};

}  // namespace nucleus::launch
