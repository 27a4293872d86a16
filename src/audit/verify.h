// Whether an audit log is as it was written.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "base/error.h"

namespace nucleus::audit {

/// The first line that is not as it should be.
struct Fault {
  std::uint64_t line = 0;  // counted from 1
  std::string what;
};

struct Verdict {
  std::uint64_t lines = 0;  // whole ones
  std::uint64_t torn = 0;   // cut short by a crash, and told of by the line behind them
  Link head;                // of the last line that is good
  std::optional<Fault> fault;
};

/// Hands on each line (without its end) of the file at `path`, oldest first, until `take` says false;
/// the last one also when its end is missing (`whole` is false then).
/// Errors: the file cannot be read; a line is longer than any of nucleus'.
[[nodiscard]] Result<> each_line(const std::string& path,
                                 const std::function<bool(std::string_view, bool whole)>& take);

/// Follows the chain from its first line to the last. With `expected` (kept elsewhere) the line of
/// that number must be there and have that hash, which shows a cut tail as well.
[[nodiscard]] Result<Verdict> verify(const std::string& path, const std::optional<Link>& expected);

/// "SEQ:HASH". Errors: it is none.
[[nodiscard]] Result<Link> parse_head(const std::string& text);

}  // namespace nucleus::audit
