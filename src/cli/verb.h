// A verb of the command line: `nucleus VERB …`. Only the one that was typed is ever set up.
#pragma once

#include <optional>
#include <string>

#include "config/option.h"

namespace nucleus::cli {

struct Verb {
  const config::VerbText* text;
  int (*main)(int argc, char** argv);  // argv[0] is the verb; the answer is the exit code
};

int run_main(int argc, char** argv);
int prune_main(int argc, char** argv);
int volume_main(int argc, char** argv);
int completion_main(int argc, char** argv);

extern const config::VerbText kRunText;
extern const config::VerbText kPruneText;
extern const config::VerbText kVolumeText;
extern const config::VerbText kCompletionText;

inline constexpr Verb kVerbs[] = {
    {.text = &kRunText, .main = run_main},
    {.text = &kPruneText, .main = prune_main},
    {.text = &kVolumeText, .main = volume_main},
    {.text = &kCompletionText, .main = completion_main},
};

/// $NUCLEUS_STATE_DIR, unless the flag said something.
void default_state_root(std::optional<std::string>& root);

}  // namespace nucleus::cli
