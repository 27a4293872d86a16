// What nucleus says: lines on standard error, and the outcome as JSON.
#pragma once

#include <string>
#include <string_view>

#include "spec/outcome.h"

namespace nucleus::cli {

/// Control characters as \xNN: a file's name must not be able to write on the operator's terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// "nucleus: TEXT\n" on standard error, in one write.
void complain(std::string_view text);

/// One line of JSON, with its newline. The fields are described in docs/outcome.md.
[[nodiscard]] std::string outcome_json(const spec::Outcome& outcome);

/// What `--version --json` prints: program, version, commit, architecture, compiler, the oldest
/// kernel that it runs on.
[[nodiscard]] std::string version_json();

}  // namespace nucleus::cli
