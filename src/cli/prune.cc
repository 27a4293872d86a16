// `nucleus prune`: clears away what killed ones have left, and says how much.
#include <unistd.h>

#include "cli/parser.h"
#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "container/prune.h"
#include "sys/file.h"

namespace nucleus::cli {

int prune_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kPruneText);
  parser.bind("root", root);
  const auto parsed = parser.parse(argc, argv);
  if (!parsed) {
    complain(parsed.error().text());
    return 2;
  }
  if (parsed->help) return show_help(kPruneText);
  if (!parsed->rest.empty()) {
    complain("cannot understand '" + parsed->rest.front() + "': nucleus prune takes flags only");
    return 2;
  }
  default_state_root(root);
  const auto pruned = container::prune(root);
  if (!pruned) {
    complain(pruned.error().text());
    return pruned.error().kind == Kind::usage ? 2 : 125;
  }
  const std::string text = "cleared " + std::to_string(pruned->cleared) + ", left " +
                           std::to_string(pruned->left) + "\n";
  return sys::write_all(STDOUT_FILENO, text, "standard output") ? 0 : 125;
}

}  // namespace nucleus::cli
