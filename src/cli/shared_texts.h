// Words that several verbs share.
#pragma once

#include "config/option.h"

namespace nucleus::cli {

inline constexpr const char* kFlags = "Flags";

inline constexpr config::OptionText kRoot = {
    .name = "root",
    .form = "DIR",
    .group = kFlags,
    .help = "directory of the records",
    .initial = "$NUCLEUS_STATE_DIR, /run/nucleus for root, $XDG_RUNTIME_DIR/nucleus",
    .values = "DIR"};

}  // namespace nucleus::cli
