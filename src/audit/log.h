// The audit log: one file to which every nucleus of the host appends, and which outlives the
// containers that it tells of.
#pragma once

#include <chrono>
#include <string>

#include "audit/chain.h"
#include "audit/event.h"
#include "base/error.h"

namespace nucleus::audit {

class Log {
 public:
  /// Checks the place, and that the file (made with mode 0600 when it is not there) can be appended
  /// to. `path` is absolute.
  /// Errors: somebody else could write to it or replace it, it is no regular file or a link, it has
  /// another name as well, the file system is read-only, ...
  [[nodiscard]] static Result<Log> open(std::string path);

  /// As open(), of a file that may not be there yet; makes nothing but the directories of the usual
  /// place.
  [[nodiscard]] static Result<> check(const std::string& path);

  /// Appends one line behind the last one, in one write(2), and waits until the disk has it
  /// (fdatasync(2)). Others are waited for two seconds. A line that a crash has cut short stays,
  /// and one that tells of it follows: event "recovered". Errors: the disk is full, the last line
  /// is not one of nucleus', ...; the file is then as it was.
  [[nodiscard]] Result<Link> append(const Event& event) const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit Log(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace nucleus::audit
