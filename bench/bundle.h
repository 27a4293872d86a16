// What the OCI runtimes beside nucleus are given.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nucleus::bench {

/// Makes a bundle that runs these words, which need no escapes in JSON; says which root it has.
std::string make_bundle(const std::string& bundle,
                        const std::vector<std::string>& args = {"/bin/true"});

/// Ends what a killed crun or runc left: its containers' states lie in our own directory.
class OciStates {
 public:
  OciStates() = default;
  OciStates(const OciStates&) = delete;
  OciStates& operator=(const OciStates&) = delete;
  ~OciStates();
  void add(const std::string& program, const std::string& state) {
    states_.emplace_back(program, state);
  }

 private:
  std::vector<std::pair<std::string, std::string>> states_;
};

}  // namespace nucleus::bench
