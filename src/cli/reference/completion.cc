#include "cli/reference/completion.h"

#include <cstring>

namespace nucleus::cli {
namespace {

using config::OptionText;
using config::VerbText;

std::string spaced(const char* values) {
  std::string text = values;
  for (char& c : text) {
    if (c == '|') c = ' ';
  }
  return text;
}

// One text between single quotes, for all three shells.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

bool is(const char* left, const char* right) { return std::strcmp(left, right) == 0; }

std::string flags_of(const VerbText& verb) {
  std::string text = "--help";
  for (const OptionText& option : verb.options) text += std::string(" --") + option.name;
  return text;
}

// "--memory|-m", as a pattern of case.
std::string pattern(const OptionText& option) {
  std::string text = std::string("--") + option.name;
  if (option.letter != 0) text += std::string("|-") + option.letter;
  return text;
}

std::string bash_values(const OptionText& option) {
  if (is(option.values, "FILE"))
    return "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (is(option.values, "DIR"))
    return "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))";
  if (option.values[0] != '\0')
    return "COMPREPLY=($(compgen -W " + quoted(spaced(option.values)) + " -- \"$cur\"))";
  return ":";
}

// Behind the flags of a verb that takes a command, everything is completed as that command's own.
std::string bash(std::span<const Verb> verbs) {
  std::string names = "help --help --version";
  for (const Verb& verb : verbs) names += std::string(" ") + verb.text->name;
  std::string text =
      "# bash completion for nucleus\n"
      "_nucleus_verb() {  # VALUE_FLAGS FLAGS WORDS COMMAND: which word of ours is being typed\n"
      "  local value_flags=$1 flags=$2 words=$3 command=$4 at=2\n"
      "  while ((at < COMP_CWORD)); do\n"
      "    case ${COMP_WORDS[at]} in\n"
      "      --) ((at++)); break ;;\n"
      "      -*) [[ \" $value_flags \" == *\" ${COMP_WORDS[at]} \"* ]] && ((at++)) ;;\n"
      "      *) break ;;\n"
      "    esac\n"
      "    ((at++))\n"
      "  done\n"
      "  if ((at < COMP_CWORD)) || { ((at == COMP_CWORD)) && [[ $cur != -* ]]; }; then\n"
      "    if [[ $command ]]; then\n"
      "      if ((at == COMP_CWORD)); then COMPREPLY=($(compgen -c -- \"$cur\"))\n"
      "      else compopt -o default; COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
      "    else COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); fi\n"
      "  else COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")); fi\n"
      "}\n"
      "_nucleus() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W " +
      quoted(names) + " -- \"$cur\")); return; fi\n  case ${COMP_WORDS[1]} in\n";
  for (const Verb& verb : verbs) {
    const VerbText& words = *verb.text;
    std::string valued;
    std::string cases;
    for (const OptionText& option : words.options) {
      if (option.form[0] == '\0' || option.value_optional) continue;
      valued += std::string(valued.empty() ? "" : " ") + "--" + option.name;
      if (option.letter != 0) valued += std::string(" -") + option.letter;
      cases += "        " + pattern(option) + ") " + bash_values(option) + "; return ;;\n";
    }
    text += std::string("    ") + words.name + ")\n";
    if (!cases.empty()) text += "      case $prev in\n" + cases + "      esac\n";
    text += "      _nucleus_verb " + quoted(valued) + " " + quoted(flags_of(words)) + " " +
            quoted(spaced(words.words)) + " " + (words.takes_command ? "yes" : "''") + " ;;\n";
  }
  return text + "  esac\n}\ncomplete -F _nucleus nucleus\n";
}

// _arguments has a grammar of its own in which [, ] and : mean something.
std::string zsh_text(const char* text) {
  std::string out;
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at == '[' || *at == ']' || *at == ':' || *at == '\\') out += '\\';
    out += *at;
  }
  return out;
}

std::string zsh_action(const OptionText& option) {
  if (is(option.values, "FILE")) return "_files";
  if (is(option.values, "DIR")) return "_files -/";
  if (option.values[0] != '\0') return "(" + spaced(option.values) + ")";
  return " ";
}

std::string zsh(std::span<const Verb> verbs) {
  std::string text = "#compdef nucleus\n_nucleus() {\n  local -a verbs\n  verbs=(\n";
  for (const Verb& verb : verbs) {
    text += "    " + quoted(zsh_text(verb.text->name) + ":" + zsh_text(verb.text->summary)) + "\n";
  }
  text +=
      "  )\n  if ((CURRENT == 2)); then _describe verb verbs; return; fi\n"
      "  local verb=$words[2]\n  shift words; ((CURRENT--))\n  case $verb in\n";
  for (const Verb& verb : verbs) {
    text += std::string("    ") + verb.text->name + ")\n      _arguments -s -S";
    for (const OptionText& option : verb.text->options) {
      const std::string about = "[" + zsh_text(option.help) + "]";
      const std::string value = option.form[0] == '\0' || option.value_optional
                                    ? ""
                                    : ":" + zsh_text(option.form) + ":" + zsh_action(option);
      const auto add = [&](const std::string& name) {
        std::string line = "*" + name;
        line.append(about).append(value);
        text.append(" \\\n        ").append(quoted(line));
      };
      if (option.letter != 0) add(std::string("-") + option.letter);
      add(std::string("--") + option.name);
    }
    if (verb.text->takes_command) {
      text += " \\\n        '(-)1:command:_command_names -e' \\\n        '*::arguments:_normal'";
    } else if (verb.text->words[0] != '\0') {
      text += " \\\n        " + quoted("1:word:(" + spaced(verb.text->words) + ")");
    }
    text += "\n      ;;\n";
  }
  return text + "  esac\n}\ncompdef _nucleus nucleus\n";
}

std::string fish(std::span<const Verb> verbs) {
  std::string text = "# fish completion for nucleus\ncomplete -c nucleus -f\n";
  for (const Verb& verb : verbs) {
    const VerbText& words = *verb.text;
    text += std::string("complete -c nucleus -n __fish_use_subcommand -a ") + words.name + " -d " +
            quoted(words.summary) + "\n";
    const std::string below =
        std::string("complete -c nucleus -n '__fish_seen_subcommand_from ") + words.name + "'";
    for (const OptionText& option : words.options) {
      text += below + " -l " + option.name;
      if (option.letter != 0) text += std::string(" -s ") + option.letter;
      if (is(option.values, "FILE")) {
        text += " -r -F";
      } else if (is(option.values, "DIR")) {
        text += " -x -a '(__fish_complete_directories)'";
      } else if (option.values[0] != '\0') {
        text += " -x -a " + quoted(spaced(option.values));
      } else if (option.form[0] != '\0' && !option.value_optional) {
        text += " -x";
      }
      text += " -d " + quoted(option.help) + "\n";
    }
    if (words.takes_command) {
      text += below + " -a '(__fish_complete_subcommand --fcs-skip=2)'\n";
    } else if (words.words[0] != '\0') {
      text += below + " -a " + quoted(spaced(words.words)) + "\n";
    }
  }
  return text;
}

}  // namespace

std::optional<std::string> completion(const std::string& shell, std::span<const Verb> verbs) {
  if (shell == "bash") return bash(verbs);
  if (shell == "zsh") return zsh(verbs);
  if (shell == "fish") return fish(verbs);
  return std::nullopt;
}

}  // namespace nucleus::cli
