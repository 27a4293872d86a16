// Whether an audit log is as it was written.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "base/error.h"
#include "sys/unique_fd.h"

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

/// The lines of a log, as they come.
class LineReader {
 public:
  explicit LineReader(std::string path) : path_(std::move(path)) {}

  /// Hands on each whole line (without its end) since the last call, oldest first, until `take`
  /// says false. A log that was moved away is read to its end, then the new one. Errors: the file
  /// cannot be read; a line is longer than any of nucleus'.
  [[nodiscard]] Result<> more(const std::function<bool(std::string_view)>& take);

  /// What stands behind the last line's end.
  [[nodiscard]] const std::string& rest() const { return rest_; }

 private:
  Result<bool> read(const std::function<bool(std::string_view)>& take);

  std::string path_, rest_;
  sys::UniqueFd file_;
};

/// Follows the chain from its first line to the last. With `expected` (kept elsewhere) the line of
/// that number must be there and have that hash, which shows a cut tail as well.
[[nodiscard]] Result<Verdict> verify(const std::string& path, const std::optional<Link>& expected);

/// "SEQ:HASH". Errors: it is none.
[[nodiscard]] Result<Link> parse_head(const std::string& text);

}  // namespace nucleus::audit
