// `nucleus prune`: clears away what killed ones have left, and says how much.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/print.h"
#include "cli/verb.h"
#include "container/prune.h"
#include "sys/file.h"

namespace nucleus::cli {

int prune_main(int argc, char** argv) {
  CLI::App app(
      "Clears away what containers have left whose nucleus was killed: their records, names and "
      "cgroups.",
      "nucleus prune");
  app.footer(
      "Every start clears away some of it already; running containers are left alone.\n\n"
      "Example:\n  nucleus prune");
  std::optional<std::string> root;
  app.add_option("--root", root, "directory of the records (or $NUCLEUS_STATE_DIR)")
      ->type_name("DIR");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return sys::write_all(STDOUT_FILENO, app.help(), "standard output") ? 0 : 125;
  } catch (const CLI::ParseError& error) {
    complain(std::string("cannot understand the flags of 'nucleus prune'; ") + error.what() +
             "; see nucleus prune --help");
    return 2;
  }
  if (!root) {
    if (const char* const set = std::getenv("NUCLEUS_STATE_DIR"); set != nullptr && *set != '\0')
      root = set;
  }
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
