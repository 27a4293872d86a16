// Words of a command line against the table of a verb's flags. Only the flags of the verb in hand
// are ever set up.
#pragma once

#include <cstddef>
#include <functional>
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
  // A flag that CLI11 is told of when it is on the command line: to know all of them costs it more
  // than everything else that is done with the words, and grows with the square of their number.
  struct Bound {
    const config::OptionText* text;
    std::function<void(CLI::App&, const std::string& names)> tell;
  };

  [[nodiscard]] const config::OptionText& text_of(const char* name);
  void tell_of_given(int argc, const char* const* argv);
  [[nodiscard]] Error unknown(const std::string& flag) const;

  const config::VerbText& verb_;
  std::unique_ptr<CLI::App> app_;
  std::vector<Bound> bound_;
  std::size_t next_ = 0;  // where text_of() looks first: flags are bound in the table's order
};

}  // namespace nucleus::cli
