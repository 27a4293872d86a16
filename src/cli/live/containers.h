// What the verbs about living containers have in common: which store, which containers, and what
// becomes of errors when several are named.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/parser.h"
#include "config/option.h"
#include "store/store.h"

namespace nucleus::cli {

/// The state root of --root, $NUCLEUS_STATE_DIR, or the caller's own.
[[nodiscard]] Result<store::Store> open_store(std::optional<std::string> root);

/// Does `one` for each word (name, id or prefix), which it is handed with the id. An error is said
/// and does not keep the others from their turn. The exit code: 0, or 1 when one failed.
int for_each_container(
    const store::Store& store, const std::vector<std::string>& words,
    const std::function<Result<>(const std::string& id, const std::string& word)>& one);

/// Says an error; its exit code.
int complain_of(const Error& error);

/// Parses, shows help; nothing when the verb goes on. `least` words are needed, `most` taken.
struct Words {
  std::vector<std::string> list;
  std::optional<int> exit;
};
[[nodiscard]] Words parse_words(Parser& parser, const config::VerbText& verb, int argc, char** argv,
                                std::size_t least, std::size_t most);

/// Prints on standard output; the exit code.
int print_text(const std::string& text);

/// "running", or "lost" for one whose supervisor is gone.
[[nodiscard]] std::string status_text(const store::Listed& listed);

}  // namespace nucleus::cli
