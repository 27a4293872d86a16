// A terminal in which a program runs, as a person would sit at it: a server of tmux(1) with one
// window.
#pragma once

#include <string>
#include <vector>

#include "support/sandbox.h"

namespace nucleus::test {

class Screen {
 public:
  /// Starts `command` by sh(1) as this sandbox's user, in a window of 80 by 24. NUCLEUS is its
  /// program.
  Screen(const Sandbox& sandbox, const std::string& command);
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  /// Keys by tmux's names: "C-c", "Enter", or text.
  void type(const std::vector<std::string>& keys) const;
  void resize(int columns, int rows) const;
  /// What the window shows, without trailing blanks.
  [[nodiscard]] std::string text() const;
  /// Whether the window comes to show this.
  [[nodiscard]] bool shows(const std::string& wanted) const;
  /// Types this line again and again until the window shows `wanted`.
  [[nodiscard]] bool answers(const std::string& line, const std::string& wanted) const;

 private:
  std::string tmux(const std::vector<std::string>& words) const;
  const Sandbox& sandbox_;
  std::size_t before_;  // containers that run without it
  std::string socket_;
};

}  // namespace nucleus::test
