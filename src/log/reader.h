// Reading a log back, oldest first, over its files; and following it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "log/writer.h"

namespace nucleus::log {

struct Record {
  std::string time;  // as written: sorts as text
  Stream stream = Stream::out;
  std::string text;
};

/// One line of a file; nothing when it is none.
[[nodiscard]] std::optional<Record> parse_record(const std::string& line);

struct Selection {
  std::optional<std::uint64_t> tail;  // only the last lines
  std::string since, until;           // times as in Record; empty: no bound
  std::optional<Stream> stream;
};

class Reader {
 public:
  /// `directory` of the container.
  explicit Reader(std::string directory) : directory_(std::move(directory)) {}

  /// Hands every record of the selection to `take`. Errors: the log cannot be read; there is none.
  Result<> read(const Selection& selection, const std::function<void(const Record&)>& take);

  /// What has come since the last read; call again and again. Turned-over files are not missed as
  /// long as one is called while the file before is still there.
  Result<> more(const Selection& selection, const std::function<void(const Record&)>& take);

 private:
  std::string directory_;
  sys::UniqueFd file_;   // the current one, where the last read stopped
  std::string partial_;  // of a line whose end was not there yet
};

/// "2026-11-25T22:59:32Z", "2026-11-25", seconds since the epoch, or an age as "10m": as
/// Record.time would say it. Errors: Kind::usage, naming `flag`.
[[nodiscard]] Result<std::string> parse_time(const std::string& flag, const std::string& text);

}  // namespace nucleus::log
