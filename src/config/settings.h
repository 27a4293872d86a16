// What holds for one run: the defaults of the configuration files, their profile, and the command
// line over both; for each setting where it comes from.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/request.h"

namespace nucleus::config {

/// A setting's value, and who said so: "command line", "defaults in /etc/nucleus/config.toml".
struct Origin {
  std::string option;
  std::string value;
  std::string from;
};

struct Settings {
  Request request;
  std::vector<Origin> origins;  // in the order of the table; empty unless they were wanted
};

/// Where configuration is looked for.
struct Places {
  std::string system = "/etc/nucleus/config.toml";
  std::string own;  // the user's; empty: nowhere
};

/// $XDG_CONFIG_HOME/nucleus/config.toml, or below ~/.config.
[[nodiscard]] Places usual_places();

/// Puts all of it together. A later one wins: defaults of the system, of the user, the profile of
/// the system, of the user, the command line; lists grow in that order.
/// Errors: a file that is wrong, that somebody else can write to (it could weaken what we start),
/// or that --config names and that is not there; a --profile that no file has.
[[nodiscard]] Result<Settings> resolve(const Request& typed, const Places& places,
                                       bool want_origins);

}  // namespace nucleus::config
