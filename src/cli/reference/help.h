// What `--help` shows, made of the tables. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cli/verb.h"

namespace nucleus::cli {

struct Look {
  std::size_t width = 100;  // columns
  bool bold = false;        // headings, by terminal sequences
};

/// Of standard output: its width, bold only on a terminal and without $NO_COLOR.
[[nodiscard]] Look look_of_stdout();

[[nodiscard]] std::string help(const config::VerbText& verb, const Look& look);

/// The list of verbs.
[[nodiscard]] std::string help(std::span<const Verb> verbs, const Look& look);

/// Prints a verb's help on standard output; the exit code.
int show_help(const config::VerbText& verb);

}  // namespace nucleus::cli
