// nucleus: the program's entry. Finds the verb, and nothing more: each verb sets up what it needs.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <string>

#include "cli/print.h"
#include "cli/verb.h"

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

std::string usage() {
  std::string text = "Usage: nucleus VERB [FLAGS] [ARG...]\n\n";
  for (const Verb& verb : kVerbs)
    text += "  " + std::string(verb.name) + "\t" + verb.summary + "\n";
  return text + "\nnucleus VERB --help says more; nucleus --version prints the version.\n";
}

int print(const std::string& text) {
  return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size())
             ? 0
             : 125;
}

int dispatch(int argc, char** argv) {
  if (argc < 2) {
    complain("no verb was given; " + std::string("try nucleus run -- COMMAND, or nucleus --help"));
    return 2;
  }
  const char* const word = argv[1];
  if (std::strcmp(word, "--version") == 0) return print("nucleus " NUCLEUS_VERSION "\n");
  if (std::strcmp(word, "--help") == 0 || std::strcmp(word, "-h") == 0 ||
      std::strcmp(word, "help") == 0) {
    return print(usage());
  }
  for (const Verb& verb : kVerbs) {
    if (std::strcmp(word, verb.name) == 0) return verb.main(argc - 1, argv + 1);
  }
  complain("'" + std::string(word) + "' is no verb of nucleus; see nucleus --help");
  return 2;
}

}  // namespace
}  // namespace nucleus::cli

int main(int argc, char** argv) {
  if (!nucleus::cli::streams_are_open()) return 125;
  // The library throws nothing; what the standard library may throw for want of memory ends here.
  try {
    return nucleus::cli::dispatch(argc, argv);
  } catch (const std::exception& error) {
    nucleus::cli::complain(std::string("cannot go on: ") + error.what());
    return 125;
  }
}
