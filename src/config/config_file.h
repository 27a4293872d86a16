// A configuration file: defaults and named profiles, in TOML, whose keys are the flags of
// `nucleus run`. Strict: an unknown table or key, a value of the wrong type, a key that belongs to
// one run alone (`name`, `cidfile`, ...) is an error with file, line and column. Pure.
//
//   [defaults]
//   memory = "512M"
//   pids = 64
//
//   [profiles.agent]
//   timeout = "30s"
//   read-only = true
//   volume = ["/srv/data:/data"]
//   [profiles.agent.env]
//   LANG = "C.UTF-8"
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/request.h"

namespace nucleus::config {

struct ConfigFile {
  std::string path;
  Request defaults;
  std::map<std::string, Request> profiles;
};

/// `path` is for the errors. All errors are Kind::usage.
[[nodiscard]] Result<ConfigFile> parse_config_file(const std::string& path, std::string_view text);

}  // namespace nucleus::config
