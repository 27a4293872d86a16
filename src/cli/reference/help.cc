#include "cli/reference/help.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cli/print.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

constexpr std::size_t kLeft = 30;  // where the explanation of a flag begins
constexpr std::size_t kNarrowest = 60;
constexpr std::size_t kWidest = 100;

std::string heading(const std::string& text, const Look& look) {
  return look.bold ? "\033[1m" + text + "\033[0m" : text;
}

// Words of `text`, broken before `width`; every line but the first is indented.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t column,
                    std::size_t width) {
  std::string out;
  std::size_t at = 0;
  bool first = true;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (!first && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += " ";
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  return out;
}

std::string option_line(const config::OptionText& option, const Look& look) {
  std::string left = option.letter != 0 ? std::string("  -") + option.letter + ", " : "      ";
  left += std::string("--") + option.name;
  if (option.value_optional) {
    left += std::string("[=") + option.form + "]";
  } else if (option.form[0] != '\0') {
    left += std::string(" ") + option.form;
  }
  std::string text = option.help;
  if (option.initial[0] != '\0') text += std::string(" (default: ") + option.initial + ")";
  if (left.size() + 2 > kLeft) {
    left += "\n" + std::string(kLeft, ' ');
  } else {
    left += std::string(kLeft - left.size(), ' ');
  }
  return left + wrapped(text, kLeft, kLeft, look.width) + "\n";
}

}  // namespace

Look look_of_stdout() {
  Look look;
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0) return look;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    look.width = std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  look.bold = (no_color == nullptr || *no_color == '\0') &&
              (term == nullptr || std::strcmp(term, "dumb") != 0);
  return look;
}

std::string help(const config::VerbText& verb, const Look& look) {
  std::string text = heading("Usage:", look) + " nucleus " + verb.name + " " + verb.usage + "\n\n" +
                     wrapped(verb.description, 0, 0, look.width) + "\n";
  const char* group = "";
  for (const config::OptionText& option : verb.options) {
    if (std::strcmp(group, option.group) != 0) {
      group = option.group;
      text += "\n" + heading(std::string(group) + ":", look) + "\n";
    }
    text += option_line(option, look);
  }
  if (!verb.examples.empty()) text += "\n" + heading("Examples:", look) + "\n";
  for (const config::Example& example : verb.examples)
    text += std::string("  ") + example.line + "\n";
  if (verb.closing[0] != '\0') text += "\n" + wrapped(verb.closing, 0, 0, look.width) + "\n";
  return text;
}

std::string help(std::span<const Verb> verbs, const Look& look) {
  std::string text = heading("Usage:", look) + " nucleus VERB [FLAGS] [ARG...]\n\n" +
                     heading("Verbs:", look) + "\n";
  std::size_t longest = 0;
  for (const Verb& verb : verbs) longest = std::max(longest, std::strlen(verb.text->name));
  for (const Verb& verb : verbs) {
    std::string left = std::string("  ") + verb.text->name;
    left += std::string(longest + 5 - left.size(), ' ');
    text += left + wrapped(verb.text->summary, left.size(), left.size(), look.width) + "\n";
  }
  text += "\n" + heading("Examples:", look) + "\n";
  for (const Verb& verb : verbs) {
    if (!verb.text->examples.empty())
      text += std::string("  ") + verb.text->examples.front().line + "\n";
  }
  return text + "\nnucleus VERB --help says more; nucleus --version [--json] tells the version.\n";
}

int show_help(const config::VerbText& verb) {
  const auto shown = sys::write_all(STDOUT_FILENO, help(verb, look_of_stdout()), "standard output");
  if (!shown) complain(shown.error().text());
  return shown ? 0 : 125;
}

}  // namespace nucleus::cli
