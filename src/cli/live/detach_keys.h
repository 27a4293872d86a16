// The keys that end nucleus attach and leave the container as it is: "ctrl-p,ctrl-q".
#pragma once

#include <string>

#include "base/error.h"

namespace nucleus::cli {

class DetachKeys {
 public:
  /// Single characters and ctrl-X, with commas between them; X is a letter or one of @[\]^_. Empty:
  /// there are none. Errors: Kind::usage.
  [[nodiscard]] static Result<DetachKeys> parse(const std::string& text);

  /// Takes the keys out of what was typed; true when all of them have come in a row. A beginning of
  /// them is kept back until it is known whether the rest follows.
  bool take(std::string& typed);

 private:
  std::string keys_;
  std::size_t seen_ = 0;
};

}  // namespace nucleus::cli
