#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <string_view>

#include "cli/hints.h"

namespace nucleus::cli {
namespace {

std::string names_of(const config::OptionText& option) {
  std::string names;
  if (option.letter != 0) names = std::string("-") + option.letter + ",";
  return names + "--" + option.name;
}

Error usage(std::string op, std::string subject, std::string hint) {
  return fail(Kind::usage, 0, std::move(op), std::move(subject), std::move(hint)).error();
}

}  // namespace

Parser::Parser(const config::VerbText& verb)
    : verb_(verb), app_(std::make_unique<CLI::App>("", std::string("nucleus ") + verb.name)) {
  if (verb.takes_command) {
    app_->prefix_command();
  } else {
    app_->allow_extras();
  }
}

Parser::~Parser() = default;

const config::OptionText& Parser::text_of(const char* name) {
  const std::size_t count = verb_.options.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    const std::size_t at = (next_ + tried) % count;
    if (std::strcmp(verb_.options[at].name, name) != 0) continue;
    next_ = at + 1;
    return verb_.options[at];
  }
  std::abort();  // a slip in our own tables; a test binds every flag of every verb
}

void Parser::bind(const char* name, std::optional<bool>& into) {
  bound_.push_back({&text_of(name), [&into](CLI::App& app, const std::string& names) {
                      app.add_flag_function(names,
                                            [&into](std::int64_t count) { into = count > 0; });
                    }});
}

void Parser::bind(const char* name, std::optional<std::string>& into) {
  const config::OptionText& text = text_of(name);
  bound_.push_back({&text, [&into, &text](CLI::App& app, const std::string& names) {
                      if (text.value_optional) {
                        // As a flag of CLI11's it takes no word of the command for its value.
                        app.add_flag(names, into)->default_str("true");
                      } else {
                        app.add_option(names, into);
                      }
                    }});
}

void Parser::bind(const char* name, std::vector<std::string>& into) {
  bound_.push_back({&text_of(name), [&into](CLI::App& app, const std::string& names) {
                      app.add_option(names, into)->allow_extra_args(false);
                    }});
}

// More than are meant, perhaps: a word of the command may look like a flag.
void Parser::tell_of_given(int argc, const char* const* argv) {
  std::vector<std::string_view> names;
  std::string letters;
  for (int index = 1; index < argc; ++index) {
    const std::string_view word = argv[index];
    if (word.starts_with("--")) {
      names.push_back(word.substr(2, word.find('=') - 2));
    } else if (word.starts_with('-')) {
      letters.append(word.substr(1));
    }
  }
  for (const Bound& bound : bound_) {
    const config::OptionText& text = *bound.text;
    if (std::ranges::find(names, text.name) != names.end() ||
        (text.letter != 0 && letters.contains(text.letter))) {
      bound.tell(*app_, names_of(text));
    }
  }
}

Error Parser::unknown(const std::string& flag) const {
  std::vector<std::string> known;
  for (const config::OptionText& option : verb_.options)
    known.push_back(std::string("--") + option.name);
  const std::string hint = hint_for(flag, known);
  const std::string verb = std::string("nucleus ") + verb_.name;
  std::string text = verb + " has none of that name";
  if (!hint.empty()) {
    text += "; " + hint;
  } else {
    text += ": see " + verb + " --help";
    if (verb_.takes_command) text += "; a command that begins with '-' comes after --";
  }
  return usage("understand the flag", flag, text);
}

Result<Parsed> Parser::parse(int argc, const char* const* argv) {
  Parsed parsed;
  tell_of_given(argc, argv);
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.help = true;
    return parsed;
  } catch (const CLI::ParseError& error) {
    return std::unexpected(
        usage("understand the flags of", std::string("nucleus ") + verb_.name,
              std::string(error.what()) + "; see nucleus " + verb_.name + " --help"));
  }
  parsed.rest = app_->remaining();
  if (!verb_.takes_command) {
    for (const std::string& word : parsed.rest) {
      if (word.size() > 1 && word.front() == '-') return std::unexpected(unknown(word));
    }
    return parsed;
  }
  // What follows our flags is the command, unchanged; a flag that we do not know is none.
  const bool separated = !parsed.rest.empty() && parsed.rest.front() == "--";
  if (separated) parsed.rest.erase(parsed.rest.begin());
  if (!separated && !parsed.rest.empty() && parsed.rest.front().size() > 1 &&
      parsed.rest.front().front() == '-') {
    const int at = argc - static_cast<int>(parsed.rest.size()) - 1;
    if (at < 1 || std::strcmp(argv[at], "--") != 0)
      return std::unexpected(unknown(parsed.rest.front()));
  }
  return parsed;
}

}  // namespace nucleus::cli
