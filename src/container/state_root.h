// Who calls, and where this caller's containers are recorded: lifecycle of a directory that must
// not be anybody else's.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "isolation/id_map.h"

namespace nucleus::container {

/// The effective ids, and the user's name from /etc/passwd (read as a text: no NSS, no plug-ins on
/// the start path).
[[nodiscard]] isolation::Caller read_caller();

/// The directory of the records: `asked`, else /run/nucleus for root, else
/// $XDG_RUNTIME_DIR/nucleus, else /tmp/nucleus-UID. Made when missing, with mode 0700. Errors: it
/// belongs to somebody else, is writable by others, or is a symbolic link.
[[nodiscard]] Result<std::string> open_state_root(const std::optional<std::string>& asked,
                                                  const isolation::Caller& caller);

/// The same without making anything: the path, when open_state_root() would succeed.
[[nodiscard]] Result<std::string> find_state_root(const std::optional<std::string>& asked,
                                                  const isolation::Caller& caller);

}  // namespace nucleus::container
