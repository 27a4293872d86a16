// The terminal that is standard input, read key by key as long as this lives. termios(3).
#pragma once

#include <termios.h>

#include "base/error.h"

namespace nucleus::container {

class RawInput {
 public:
  RawInput() = default;
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;
  /// Gives it its settings back. SIGKILL alone can prevent it.
  ~RawInput();

  /// Waits for the foreground like any program that sets up a terminal (SIGTTOU).
  [[nodiscard]] Result<> begin();
  /// After somebody has stopped and continued us.
  void again();

 private:
  bool raw_ = false;
  termios before_{};
};

}  // namespace nucleus::container
