#include "supervisor/replay.h"

namespace nucleus::supervisor {
namespace {

// "ESC [ parameters n" and "ESC [ parameters c" ask; the length of one at `at`, or 0.
std::size_t query_at(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\x1b[") return 0;
  std::size_t end = at + 2;
  while (end < text.size() && text[end] >= 0x20 && text[end] <= 0x3f) ++end;
  const bool asks = end < text.size() && (text[end] == 'n' || text[end] == 'c');
  return asks ? end + 1 - at : 0;
}

}  // namespace

void Replay::add(std::string_view bytes) {
  if (bytes.size() > most_) {
    bytes.remove_prefix(bytes.size() - most_);
    cut_ = true;
    kept_.clear();
  }
  kept_.append(bytes);
  // Twice as much before it is cut: each byte is moved once.
  if (kept_.size() <= 2 * most_) return;
  kept_.erase(0, kept_.size() - most_);
  cut_ = true;
}

std::string Replay::text() const {
  std::string_view shown = kept_;
  bool cut = cut_;
  if (shown.size() > most_) {
    shown.remove_prefix(shown.size() - most_);
    cut = true;
  }
  const std::size_t line = cut ? shown.find('\n') : std::string_view::npos;
  if (line != std::string_view::npos) shown.remove_prefix(line + 1);
  std::string out;
  out.reserve(shown.size());
  for (std::size_t at = 0; at < shown.size();) {
    const std::size_t query = query_at(shown, at);
    if (query == 0) out += shown[at];
    at += query == 0 ? 1 : query;
  }
  return out;
}

}  // namespace nucleus::supervisor
