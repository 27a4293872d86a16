// For tests of containers that outlive the command that started them.
#pragma once

#include "support/everybody.h"

namespace nucleus::test {

/// What a shell command says on standard output.
[[nodiscard]] std::string said_by(const std::string& command);

class ForEverybodysContainers : public ForEverybody {
 protected:
  ~ForEverybodysContainers() override;

  /// `nucleus run --detach --name NAME FLAGS -- sh -c SCRIPT`; fails the test when it does not
  /// start.
  void start(const std::string& name, const std::string& script,
             std::vector<std::string> flags = {}) const;
  /// One member of inspect: "status", "ending.code".
  [[nodiscard]] std::string about(const std::string& name, const std::string& member) const;
  /// Whether it comes to have this status.
  [[nodiscard]] bool becomes(const std::string& name, const std::string& status) const;
  [[nodiscard]] std::string logs(const std::string& name) const;
  /// Whether its log comes to hold this.
  [[nodiscard]] bool says(const std::string& name, const std::string& text) const;
  /// The container's directory below the state root.
  [[nodiscard]] std::string directory(const std::string& name) const;
};

}  // namespace nucleus::test

#define NUCLEUS_LIVE_SUITE(Suite)                                                    \
  class Suite : public nucleus::test::ForEverybodysContainers {};                    \
  INSTANTIATE_TEST_SUITE_P(As, Suite, testing::ValuesIn(nucleus::test::everybody()), \
                           nucleus::test::name_of)
