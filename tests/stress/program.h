// Starting programs from many threads at once: posix_spawn, and nothing between it and the program.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace nucleus::stress {

struct Call {
  int code = -1;  // as a shell sees it; 137 also for one that was killed by us
  std::string out, err;
  bool late = false;  // it did not end in time, and was killed
  [[nodiscard]] std::string text() const {
    return "code " + std::to_string(code) + (late ? ", late" : "") + ", out: " + out +
           ", err: " + err;
  }
};

/// Runs `words` in `env` to its end. `kill_after`: SIGKILL to it then.
[[nodiscard]] Call call(const std::vector<std::string>& words, const std::vector<std::string>& env,
                        std::optional<std::chrono::microseconds> kill_after = {});

}  // namespace nucleus::stress
