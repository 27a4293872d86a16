// The command line of the benchmark of starts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace nucleus::bench {

struct Options {
  std::string nucleus;
  std::string floor;
  std::string as_user;
  std::string json;
  std::vector<std::string> only;
  int rounds = 200;
  int jobs = 2;
  bool burst = true;

  [[nodiscard]] bool wants(std::string_view name) const {
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  }
};

/// Ends the program with 2 on a command line that is not understood.
Options parse(int argc, char** argv);

}  // namespace nucleus::bench
