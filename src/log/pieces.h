// Streams cut into lines.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "log/sink.h"

namespace nucleus::log {

/// A line that is longer comes in pieces, of which only the last ends in a newline.
inline constexpr std::size_t kLongestPiece = 64U << 10;

class Pieces {
 public:
  /// Calls line(stream, text) for every piece that is whole now; the rest is kept.
  template <typename Line>
  void take(Stream stream, std::string_view bytes, const Line& line) {
    std::string& partial = partial_[static_cast<std::size_t>(stream)];
    while (!bytes.empty()) {
      const void* const newline = std::memchr(bytes.data(), '\n', bytes.size());
      std::size_t size =
          newline == nullptr
              ? bytes.size()
              : static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
      bool whole = newline != nullptr;
      if (partial.size() + size > kLongestPiece) {
        size = kLongestPiece - partial.size();
        whole = true;
      }
      if (partial.empty() && whole) {
        line(stream, bytes.substr(0, size));
      } else {
        partial.append(bytes, 0, size);
        if (whole) {
          line(stream, partial);
          partial.clear();
        }
      }
      bytes.remove_prefix(size);
    }
  }

  /// What is kept, without its end.
  template <typename Line>
  void flush(const Line& line) {
    for (const Stream stream : {Stream::out, Stream::err}) {
      std::string& partial = partial_[static_cast<std::size_t>(stream)];
      if (!partial.empty()) line(stream, partial);
      partial.clear();
      partial.shrink_to_fit();
    }
  }

 private:
  std::array<std::string, 2> partial_;  // of each stream
};

}  // namespace nucleus::log
