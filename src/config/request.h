// One `nucleus run`, as it was asked for in one place: the command line, a table of a configuration
// file, or all of them put together. Everything optional, everything text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/draft.h"

namespace nucleus::config {

struct Request {
  spec::Draft draft;
  std::vector<std::string> env_files;
  std::optional<std::string> result_file, state_root, profile, config;
  std::optional<bool> json, dry_run, explain, without_init, sd_notify;
};

}  // namespace nucleus::config
