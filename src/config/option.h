// What one flag is, in words: the only source of help, manual, completions and the check of
// configuration files. Plain constants: nothing is built from them until somebody asks.
#pragma once

#include <span>

namespace nucleus::config {

struct OptionText {
  const char* name;             // long name without dashes
  char letter = 0;              // short name; 0: none
  const char* form = "";        // "SIZE"; empty: a switch
  const char* group = "";       // the heading that it stands under
  const char* help = "";        // one sentence, small letters, no full stop
  const char* initial = "";     // what holds without it; empty: nothing
  bool value_optional = false;  // the flag stands for itself too; a value comes behind "=" only
  const char* values = "";      // for completion: "none|host", "FILE", "DIR"
};

struct Example {
  const char* line;   // what is typed, from "nucleus" on
  const char* about;  // why
};

struct VerbText {
  const char* name;
  const char* summary;      // for the list of verbs
  const char* usage;        // what follows the name: "[FLAGS] [--] COMMAND [ARG...]"
  const char* description;  // a paragraph
  std::span<const OptionText> options;
  std::span<const Example> examples;
  const char* closing = "";    // exit codes, files
  const char* words = "";      // for completion of the words behind the verb: "bash|zsh|fish"
  bool takes_command = false;  // a command with words of its own follows the flags
};

}  // namespace nucleus::config
