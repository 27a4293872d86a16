// The lines of the audit log and what ties them together.
//
// A line is one JSON object whose last members are `prev` and `hash`, in this order:
//   {"seq":7,"time":"2026-11-26T10:00:00.000Z","event":"kill",...,"prev":"…","hash":"…"}
// `hash` is the SHA-256 of the line's bytes before `,"hash":`; `prev` is the hash of the line
// before, 64 zeros in the first line. Whoever changes, removes or moves a line breaks the chain at
// that place; whoever removes the last lines does not, which is why the last hash can be kept
// elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.h"

namespace nucleus::audit {

/// No line is longer, its line end included.
inline constexpr std::size_t kMostLineBytes = 128U << 10;

/// A place in the chain: what the next line goes on from.
struct Link {
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');
  friend bool operator==(const Link&, const Link&) = default;
};

/// The event as the line behind `before`, with its line end. `link` becomes that line's own.
[[nodiscard]] std::string line_of(const Event& event, const std::string& time, const Link& before,
                                  Link& link);

struct Line {
  Link link;
  std::string prev;
};

/// Takes a line (without its end) apart. Nothing when it is none of ours, or when its hash is not
/// that of its bytes.
[[nodiscard]] std::optional<Line> read_line(std::string_view line);

/// UTC with milliseconds, RFC 3339: "2026-11-26T10:00:00.000Z".
[[nodiscard]] std::string now_text();

}  // namespace nucleus::audit
