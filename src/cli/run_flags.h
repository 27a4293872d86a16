// The flags of `nucleus run`, from argv to a draft.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "spec/draft.h"

namespace nucleus::cli {

struct RunFlags {
  spec::Draft draft;
  bool json = false;
  std::optional<std::string> result_file;
  std::optional<std::string> state_root;
  std::vector<std::string> env_files;  // to be read before draft.env, which wins
  std::optional<std::string> help;     // asked for: print this and do nothing
};

/// argv[0] is the verb. Errors: Kind::usage; an unknown flag, a missing or surplus value, each
/// naming the flag.
[[nodiscard]] Result<RunFlags> parse_run_flags(int argc, const char* const* argv);

}  // namespace nucleus::cli
