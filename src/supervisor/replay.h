// The last of what a terminal has shown, for somebody who comes to look at it later.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nucleus::supervisor {

class Replay {
 public:
  explicit Replay(std::size_t most = 64U << 10) : most_(most) {}

  void add(std::string_view bytes);

  /// What to send to a terminal: from the beginning of a line, and without what asks a terminal to
  /// answer (ECMA-48 DSR and DA): its answer would be typed into the container.
  [[nodiscard]] std::string text() const;

  void clear() { kept_.clear(), cut_ = false; }

 private:
  std::size_t most_;
  std::string kept_;
  bool cut_ = false;  // what came before is lost
};

}  // namespace nucleus::supervisor
