// nucleus: the program's entry. Finds the verb, and nothing more: each verb sets up what it needs.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "config/nearest.h"
#include "supervisor/spawn.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

// A stream that the caller closed would be the number of the next file we open, and the workload
// would inherit that.
bool streams_are_open() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

int print(const std::string& text) {
  return sys::write_all(STDOUT_FILENO, text, "standard output") ? 0 : 125;
}

const Verb* find_verb(const char* word) {
  for (const Verb& verb : kVerbs) {
    if (std::strcmp(word, verb.text->name) == 0) return &verb;
  }
  return nullptr;
}

int unknown_verb(const std::string& word) {
  std::vector<std::string> known = {"help"};
  for (const Verb& verb : kVerbs) known.emplace_back(verb.text->name);
  const std::string near = config::nearest(word, known);
  complain("'" + word + "' is no verb of nucleus; " +
           (near.empty() ? "see nucleus --help" : "did you mean " + near + "?"));
  return 2;
}

int version(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[2], "--json") == 0) return print(version_json());
  if (argc > 2) {
    complain("'" + std::string(argv[2]) + "' does not go with --version; --json does");
    return 2;
  }
  return print("nucleus " NUCLEUS_VERSION "\n");
}

int dispatch(int argc, char** argv) {
  if (argc < 2) {
    complain("no verb was given; try nucleus run -- COMMAND, or nucleus --help");
    return 2;
  }
  const char* const word = argv[1];
  if (const Verb* const verb = find_verb(word)) return verb->main(argc - 1, argv + 1);
  const auto is = [&](const char* other) { return std::strcmp(word, other) == 0; };
  if (is("--version") || is("-V")) return version(argc, argv);
  if (is("--help") || is("-h") || is("help")) {
    if (argc < 3) return print(help(kVerbs, look_of_stdout()));
    const Verb* const verb = find_verb(argv[2]);
    return verb != nullptr ? show_help(*verb->text) : unknown_verb(argv[2]);
  }
  if (is(supervisor::kSupervisorWord) && argc <= 3)
    return supervisor::supervisor_main(argc == 3 ? argv[2] : nullptr);
  return unknown_verb(word);
}

}  // namespace
}  // namespace nucleus::cli

int main(int argc, char** argv) {
  if (!nucleus::cli::streams_are_open()) {
    nucleus::cli::complain("cannot open /dev/null in place of a closed standard stream: " +
                           nucleus::errno_text(errno));
    return 125;
  }
  // The library throws nothing; what the standard library may throw for want of memory ends here.
  try {
    return nucleus::cli::dispatch(argc, argv);
  } catch (const std::exception& error) {
    nucleus::cli::complain(std::string("cannot go on: ") + error.what());
    return 125;
  }
}
