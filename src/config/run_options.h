// The table of everything that can be asked of `nucleus run`: each flag's words, and where its
// value goes. The command line, configuration files, help, manual and completions are made of it.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/option.h"
#include "config/request.h"

namespace nucleus::config {

/// A member of the request: a switch, a text, or a list of texts.
using Into =
    std::variant<std::optional<bool> spec::Draft::*, std::optional<std::string> spec::Draft::*,
                 std::vector<std::string> spec::Draft::*, std::optional<bool> Request::*,
                 std::optional<std::string> Request::*, std::vector<std::string> Request::*>;

struct RunOption {
  Into into;
  bool in_file = true;  // may stand in a configuration file: not what belongs to one run alone
};

/// The words; the same index in `run_options()` has the member.
[[nodiscard]] std::span<const OptionText> run_option_texts();
[[nodiscard]] std::span<const RunOption> run_options();

/// Calls `use` with a reference to the member: std::optional<bool>&, std::optional<std::string>& or
/// std::vector<std::string>&.
template <typename Use>
decltype(auto) with_member(const Into& into, Request& request, Use&& use) {
  return std::visit(
      [&](auto member) -> decltype(auto) {
        if constexpr (requires { request.draft.*member; }) {
          return use(request.draft.*member);
        } else {
          return use(request.*member);
        }
      },
      into);
}

/// What was asked for, as text; empty when it was not.
[[nodiscard]] std::vector<std::string> values_of(const RunOption& option, const Request& request);

}  // namespace nucleus::config
