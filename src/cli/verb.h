// A verb of the command line: `nucleus VERB …`. Only the one that was typed is ever set up.
#pragma once

namespace nucleus::cli {

struct Verb {
  const char* name;
  const char* summary;
  int (*main)(int argc, char** argv);  // argv[0] is the verb; the answer is the exit code
};

int run_main(int argc, char** argv);
int prune_main(int argc, char** argv);
int doctor_main(int argc, char** argv);

inline constexpr Verb kVerbs[] = {
    {.name = "run",
     .summary = "run a command in a new container and wait for its end",
     .main = run_main},
    {.name = "prune", .summary = "clear away what killed containers have left", .main = prune_main},
    {.name = "doctor",
     .summary = "find out what this host allows, and what mends what it does not",
     .main = doctor_main},
};

}  // namespace nucleus::cli
