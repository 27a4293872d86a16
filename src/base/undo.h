// A stack of things to undo: what was made is unmade in reverse order, unless dismissed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace nucleus {

class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() { run(); }

  void push(std::function<void()> step) { steps_.push_back(std::move(step)); }

  /// Runs every step now, newest first. Safe to call twice: a step runs once.
  void run() {
    while (!steps_.empty()) {
      auto step = std::move(steps_.back());
      steps_.pop_back();
      step();
    }
  }

  /// Forgets every step: the things are now somebody else's to unmake.
  void dismiss() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace nucleus
