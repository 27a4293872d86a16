#include "cli/reference/manual.h"

#include <cctype>
#include <cstring>

namespace nucleus::cli {
namespace {

// A text of ours as roff means it: nothing in it is a command, and dashes stay dashes.
std::string roff(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'' || c == '`') {
      out += c == '\'' ? "\\(aq" : "\\(ga";
    } else if (c == '^' || c == '~') {
      out += c == '^' ? "\\(ha" : "\\(ti";
    } else if (c == '.' && at == 0) {
      out += "\\&.";
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string head(const std::string& page) {
  return ".TH " + upper(page) + " 1 \"\" \"nucleus " NUCLEUS_VERSION "\" \"User Commands\"\n";
}

std::string examples(std::span<const config::Example> list) {
  std::string text = ".SH EXAMPLES\n";
  for (const config::Example& example : list) {
    if (example.about[0] != '\0') text += ".PP\n" + roff(example.about) + ":\n";
    text += ".PP\n.RS\n.nf\n" + roff(example.line) + "\n.fi\n.RE\n";
  }
  return text;
}

}  // namespace

std::string manual(const config::VerbText& verb) {
  const std::string page = std::string("nucleus-") + verb.name;
  std::string text = head(page) + ".SH NAME\n" + roff(page) + " \\- " + roff(verb.summary) + "\n" +
                     ".SH SYNOPSIS\n.B nucleus " + roff(verb.name) + "\n" + roff(verb.usage) +
                     "\n" + ".SH DESCRIPTION\n" + roff(verb.description) + "\n";
  if (!verb.options.empty()) text += ".SH OPTIONS\n";
  const char* group = "";
  for (const config::OptionText& option : verb.options) {
    if (std::strcmp(group, option.group) != 0) {
      group = option.group;
      text += ".SS " + roff(group) + "\n";
    }
    text += ".TP\n";
    if (option.letter != 0) text += std::string("\\fB\\-") + option.letter + "\\fR, ";
    text += "\\fB\\-\\-" + roff(option.name) + "\\fR";
    if (option.value_optional) {
      text += "[=\\fI" + roff(option.form) + "\\fR]";
    } else if (option.form[0] != '\0') {
      text += " \\fI" + roff(option.form) + "\\fR";
    }
    text += "\n" + roff(option.help) + ".\n";
    if (option.initial[0] != '\0') text += "Default: " + roff(option.initial) + ".\n";
  }
  if (!verb.examples.empty()) text += examples(verb.examples);
  if (verb.closing[0] != '\0') text += ".SH EXIT STATUS\n" + roff(verb.closing) + "\n";
  return text + ".SH SEE ALSO\n.BR nucleus (1)\n";
}

std::string manual(std::span<const Verb> verbs) {
  std::string text =
      head("nucleus") +
      ".SH NAME\nnucleus \\- run programs in isolated containers, without a daemon\n"
      ".SH SYNOPSIS\n.B nucleus\n\\fIVERB\\fR [\\fIFLAGS\\fR] [\\fIARG\\fR...]\n"
      ".SH DESCRIPTION\nRuns a program that you do not trust in a clean sandbox, holds "
      "it to its limits, says why it ended, and leaves nothing behind.\n.SH VERBS\n";
  for (const Verb& verb : verbs) {
    text += std::string(".TP\n.BR nucleus\\-") + roff(verb.text->name) + " (1)\n" +
            roff(verb.text->summary) + ".\n";
  }
  text +=
      ".SH FILES\n.TP\n.I /etc/nucleus/config.toml\nDefaults and profiles for everybody.\n"
      ".TP\n.I ~/.config/nucleus/config.toml\nThe user's own, which win over them.\n"
      ".TP\n.I /run/nucleus\nThe records of running containers; for ordinary users\n"
      ".IR $XDG_RUNTIME_DIR/nucleus .\n"
      ".SH ENVIRONMENT\n.TP\n.B NUCLEUS_STATE_DIR\nThe directory of the records.\n"
      ".TP\n.B NO_COLOR\nWhen set, nothing is printed bold or in colour.\n";
  return text +
         ".SH SEE ALSO\n.BR namespaces (7),\n.BR cgroups (7),\n.BR landlock (7),\n.BR seccomp "
         "(2)\n";
}

}  // namespace nucleus::cli
