// Completion scripts for shells, made of the tables. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/verb.h"

namespace nucleus::cli {

/// Of "bash", "zsh" or "fish"; nothing for another shell.
[[nodiscard]] std::optional<std::string> completion(const std::string& shell,
                                                    std::span<const Verb> verbs);

}  // namespace nucleus::cli
