// What has happened to the containers of one state root: ROOT/events.jsonl, one object a line:
//   {"time":"2026-11-25T22:59:32.123456Z","event":"die","id":...,"name":...,"attributes":{...}}
//
// Every supervisor appends to it. A writer holds the file's lock (flock(2)), so that lines are
// whole and in the order of their times; whoever finds the file full turns it over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::store {

using Attributes = std::vector<std::pair<std::string, std::string>>;

struct Event {
  std::string time;   // UTC, microseconds; sorts as text
  std::string event;  // "create", "start", "die", "exec_start", "health_status", ...
  std::string id;
  std::string name;  // empty: none
  Attributes attributes;
};

[[nodiscard]] std::string to_json(const Event& event);
/// Nothing when the line is none: cut short by a crash, or of somebody else.
[[nodiscard]] std::optional<Event> event_from_json(const std::string& line);

class Journal {
 public:
  /// Of one file; there are this many at most. Older ones go.
  static constexpr std::size_t kMostBytes = 1U << 20;
  static constexpr int kMostFiles = 3;

  explicit Journal(std::string root, std::size_t most_bytes = kMostBytes)
      : root_(std::move(root)), most_bytes_(most_bytes) {}

  /// The time is filled in. Waits a second at most for others. Errors: the disk is full, ...; the
  /// journal is then as it was.
  [[nodiscard]] Result<> append(Event event) const;

 private:
  std::string root_;
  std::size_t most_bytes_;
};

class JournalReader {
 public:
  explicit JournalReader(std::string root) : root_(std::move(root)) {}

  /// Hands on every event that has come since the last call, oldest first; the first call all that
  /// there are. No journal is no error: nothing has happened yet.
  Result<> more(const std::function<void(const Event&)>& take);

 private:
  std::string root_;
  sys::UniqueFd file_;   // where the last call stopped
  std::string partial_;  // of a line whose end was not there yet
};

}  // namespace nucleus::store
