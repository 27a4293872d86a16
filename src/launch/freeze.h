// LaunchPlan to ChildScript: flat arrays, C strings, open descriptors; nothing is left to decide or
// allocate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "launch/child/script.h"
#include "launch/launch_plan.h"
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

/// See launch/init/config.h.
struct InitWishes {
  bool confirm = false;
  bool terminal = false;
  bool subreaper = false;
};

/// The init's configuration as one block. Exposed for tests.
[[nodiscard]] std::string init_config(const std::vector<std::string>& candidates,
                                      const std::vector<std::string>& argv,
                                      const std::vector<std::string>& envp,
                                      const InitWishes& wishes = {});

}  // namespace nucleus::launch
