// Who takes part in the benchmark of starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bundle.h"
#include "options.h"
#include "process.h"

namespace nucleus::bench {

struct Contender {
  Contender(std::string key, std::string title, std::vector<std::string> arguments,
            std::optional<User> user = {})
      : name(std::move(key)),
        label(std::move(title)),
        command(std::move(arguments), std::move(user)) {}

  std::string name;
  std::string label;
  Command command;
  std::vector<double> times{};
  int failures = 0;
};

struct LeftOut {
  std::string name;
  std::string reason;
};

class Field {
 public:
  Field(const Options& options, const std::string& directory, OciStates& states)
      : options_(options), directory_(directory), states_(states) {}

  /// Tries each, and prints who is left out and why.
  void gather();

  [[nodiscard]] std::vector<Contender*> contenders() const;
  [[nodiscard]] const std::vector<LeftOut>& left_out() const { return left_out_; }

 private:
  void leave_out(const std::string& name, const std::string& reason);

  /// Tries the contender, which then takes part; or why it does not work.
  std::optional<std::string> attempt(std::string name, std::string label,
                                     std::vector<std::string> arguments,
                                     std::optional<User> user = {});

  void add(const std::string& name, std::string label, std::vector<std::string> arguments,
           std::optional<User> user = {});

  void program(const std::string& name, const std::string& path, std::string label,
               std::vector<std::string> arguments, std::optional<User> user = {});

  void rootless(const std::string& nucleus, const std::string& floor, const std::string& bwrap,
                const std::vector<std::string>& bwrap_call);
  void oci();
  void docker();

  const Options& options_;
  const std::string& directory_;
  OciStates& states_;
  std::vector<std::unique_ptr<Contender>> contenders_;
  std::vector<LeftOut> left_out_;
};

}  // namespace nucleus::bench
