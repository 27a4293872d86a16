// What nucleus says: lines on standard error, and the outcome as JSON.
#pragma once

#include <string>
#include <string_view>

#include "spec/outcome.h"

namespace nucleus::cli {

/// What a terminal would take for more than text as \xNN: a file's name must not be able to write
/// on the operator's terminal. Control characters of ASCII and of Unicode (U+0080 to U+009F), marks
/// that turn the direction of writing, line separators, and bytes that are no UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

/// "nucleus: TEXT\n" on standard error, in one write.
void complain(std::string_view text);

/// Whether standard error is a terminal that can take a line back.
[[nodiscard]] bool status_line_works();

/// What is being done, on a line of its own that the next call replaces; "" wipes it.
void show_status(const std::string& text);

/// One line of JSON, with its newline. The fields are described in docs/outcome.md.
[[nodiscard]] std::string outcome_json(const spec::Outcome& outcome);

/// What `--version --json` prints: program, version, commit, architecture, compiler, the oldest
/// kernel that it runs on.
[[nodiscard]] std::string version_json();

}  // namespace nucleus::cli
