#include "cli/live/detach_keys.h"

namespace nucleus::cli {
namespace {

// The ASCII code of one key, or 0.
char key_of(const std::string& word) {
  constexpr std::string_view kControl = "ctrl-";
  if (word.size() == 1) return word.front();
  if (word.size() != kControl.size() + 1 || !word.starts_with(kControl)) return 0;
  const char key = word.back();
  if (key >= 'a' && key <= 'z') return static_cast<char>(key - 'a' + 1);
  if (key >= 'A' && key <= '_') return static_cast<char>(key - '@');
  return 0;
}

}  // namespace

Result<DetachKeys> DetachKeys::parse(const std::string& text) {
  DetachKeys keys;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at + 1), text.size());
    const char key = key_of(text.substr(at, end - at));
    if (key == 0 || end + 1 == text.size()) {
      return fail(Kind::usage, 0, "take this value for --detach-keys", text,
                  "write keys with commas between them, such as ctrl-p,ctrl-q or ctrl-x,d");
    }
    keys.keys_ += key;
    at = end + 1;
  }
  return keys;
}

bool DetachKeys::take(std::string& typed) {
  if (keys_.empty()) return false;
  std::string passed;
  for (const char key : typed) {
    // What was kept back turns out not to have been meant, all but its own tail that still could.
    while (seen_ > 0 && key != keys_[seen_]) {
      std::size_t tail = seen_ - 1;
      while (tail > 0 && keys_.compare(0, tail, keys_, seen_ - tail, tail) != 0) --tail;
      passed.append(keys_, 0, seen_ - tail);
      seen_ = tail;
    }
    if (key != keys_[seen_]) {
      passed += key;
    } else if (++seen_ == keys_.size()) {
      seen_ = 0;
      typed = std::move(passed);
      return true;
    }
  }
  typed = std::move(passed);
  return false;
}

}  // namespace nucleus::cli
