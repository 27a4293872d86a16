// The output of a container as lines of JSON in a file that is turned over at a size:
//   {"time":"2026-11-25T22:59:32.123456Z","stream":"stdout","log":"text\n"}
// Output that is no UTF-8 is kept to the byte, as "base64" instead of "log". A line that is longer
// than 64 KiB comes in pieces, of which only the last ends in a newline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "log/pieces.h"
#include "log/sink.h"
#include "sys/unique_fd.h"

namespace nucleus::log {

/// Names of the files: "log.json", then "log.json.1" (the one before), "log.json.2", ...
inline constexpr const char* kFileName = "log.json";

class Writer : public Sink {
 public:
  struct Options {
    std::uint64_t size = 10U << 20;  // of one file
    std::uint32_t files = 3;
  };

  /// Goes on with what is in `directory` (a descriptor, which must stay open).
  [[nodiscard]] static Result<Writer> open(int directory, Options options);

  void take(Stream stream, std::string_view bytes) override;
  void flush() override;

  /// Bytes that could not be written (a full disk), so far. The container does not wait for them.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void line(Stream stream, std::string_view text);
  void put();
  void turn_over();

  int directory_ = -1;
  Options options_;
  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
  std::uint64_t lost_ = 0;
  std::string buffer_;  // whole records that are still to be written
  Pieces pieces_;
  std::string time_;  // of this moment, as text
};

/// The JSON string of UTF-8 text, quotes included; false when it is no UTF-8, and nothing was
/// added.
bool append_json_string(std::string& to, std::string_view text);

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace nucleus::log
