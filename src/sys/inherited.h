// Descriptors that whoever started this program has left open for it.
#pragma once

#include "base/error.h"

namespace nucleus::sys {

/// The first that can be inherited besides the standard streams; sd_listen_fds(3) begins here too.
inline constexpr int kFirstInherited = 3;

/// Marks descriptors 3 to 2+`count` as to be closed by execve(2), so that they reach only who is
/// given them. Errors (Kind::usage, EBADF): one of them was not inherited. What this program opens
/// itself is close-on-exec from the beginning, and is not taken for it.
[[nodiscard]] Result<> claim_inherited(unsigned count);

}  // namespace nucleus::sys
