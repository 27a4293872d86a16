// Words of a command line against the table of a verb's flags. Only the flags of the verb in hand
// are ever set up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/option.h"

namespace CLI {
class App;
}

namespace nucleus::cli {

struct Parsed {
  bool help = false;              // it was asked for: nothing else was looked at
  std::vector<std::string> rest;  // the command, or the words that are no flags
};

class Parser {
 public:
  explicit Parser(const config::VerbText& verb);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// The flag of this name, which must be in the verb's table, sets `into`. A switch takes
  /// "--NAME=false" too; a text may be given once, a list's member as often as wanted.
  void bind(const char* name, std::optional<bool>& into);
  void bind(const char* name, std::optional<std::string>& into);
  void bind(const char* name, std::vector<std::string>& into);

  /// Errors: Kind::usage, with what was meant when that can be guessed.
  [[nodiscard]] Result<Parsed> parse(int argc, const char* const* argv);

 private:
  [[nodiscard]] const config::OptionText& text_of(const char* name) const;
  [[nodiscard]] Error unknown(const std::string& flag) const;

  const config::VerbText& verb_;
  std::unique_ptr<CLI::App> app_;
};

}  // namespace nucleus::cli
