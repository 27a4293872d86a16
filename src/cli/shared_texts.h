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

inline constexpr config::OptionText kForce = {
    .name = "force",
    .letter = 'f',
    .group = kFlags,
    .help = "kill it when it runs; remove it also when its record cannot be read"};

inline constexpr config::OptionText kVolumes = {
    .name = "volumes",
    .letter = 'v',
    .group = kFlags,
    .help =
        "remove its named volumes too, with all that is in them, unless another container has "
        "them"};

inline constexpr const char* kManyContainers =
    "Several can be named; an error with one does not keep the others from "
    "their turn, and makes the exit code 1.";

}  // namespace nucleus::cli
