// Manual pages, made of the tables: man(7). Pure.
#pragma once

#include <span>
#include <string>

#include "cli/verb.h"

namespace nucleus::cli {

/// nucleus(1)
[[nodiscard]] std::string manual(std::span<const Verb> verbs);

/// nucleus-VERB(1)
[[nodiscard]] std::string manual(const config::VerbText& verb);

}  // namespace nucleus::cli
