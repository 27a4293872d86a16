// `nucleus completion SHELL`: what makes a shell complete nucleus' words.
#include <unistd.h>

#include "cli/parser.h"
#include "cli/print.h"
#include "cli/reference/completion.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "sys/file.h"

namespace nucleus::cli {

int completion_main(int argc, char** argv) {
  Parser parser(kCompletionText);
  const auto parsed = parser.parse(argc, argv);
  if (!parsed) {
    complain(parsed.error().text());
    return 2;
  }
  if (parsed->help) return show_help(kCompletionText);
  const auto script =
      parsed->rest.size() == 1 ? completion(parsed->rest.front(), kVerbs) : std::nullopt;
  if (!script) {
    complain("cannot print completions for '" + (parsed->rest.empty() ? "" : parsed->rest.front()) +
             "'; name one shell: bash, zsh or fish");
    return 2;
  }
  return sys::write_all(STDOUT_FILENO, *script, "standard output") ? 0 : 125;
}

}  // namespace nucleus::cli
