// The flags of `nucleus run`: words in, a request out. Nothing that they name is opened.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/request.h"

namespace nucleus::cli {

struct RunFlags {
  config::Request request;
  bool help = false;
};

/// argv[0] is the verb. The first word that is no flag begins the command; everything behind it
/// belongs to it, also after "--". Errors: Kind::usage.
[[nodiscard]] Result<RunFlags> parse_run_flags(int argc, const char* const* argv);

}  // namespace nucleus::cli
