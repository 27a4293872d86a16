// Where the audit log is, and who may be trusted with it.
#pragma once

#include <string>

#include "base/error.h"

namespace nucleus::audit {

/// /var/log/nucleus/audit.jsonl for root; $XDG_STATE_HOME/nucleus/audit.jsonl or
/// ~/.local/state/nucleus/audit.jsonl for others. Errors: no home is known.
[[nodiscard]] Result<std::string> default_path();

/// Whether nobody but root and the caller can put something else in the file's place: each
/// directory above it belongs to one of the two, and others cannot write to it (unless it is
/// sticky, as /tmp). Makes the directories of default_path(). Errors name the directory.
[[nodiscard]] Result<> check_place(const std::string& path);

}  // namespace nucleus::audit
