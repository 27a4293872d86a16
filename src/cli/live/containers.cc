#include "cli/live/containers.h"

#include <unistd.h>

#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "container/state_root.h"
#include "sys/file.h"

namespace nucleus::cli {

Result<store::Store> open_store(std::optional<std::string> root) {
  default_state_root(root);
  return store::Store(NUCLEUS_TRY(container::open_state_root(root, container::read_caller())));
}

int for_each_container(
    const store::Store& store, const std::vector<std::string>& words,
    const std::function<Result<>(const std::string& id, const std::string& word)>& one) {
  int code = 0;
  for (const std::string& word : words) {
    const auto done = [&]() -> Result<> { return one(NUCLEUS_TRY(store.resolve(word)), word); }();
    if (done) continue;
    complain(done.error().text());
    code = 1;
  }
  return code;
}

int complain_of(const Error& error) {
  complain(error.text());
  return spec::exit_code(error.kind);
}

Words parse_words(Parser& parser, const config::VerbText& verb, int argc, char** argv,
                  std::size_t least, std::size_t most) {
  Words words;
  auto parsed = parser.parse(argc, argv);
  if (!parsed) {
    words.exit = complain_of(parsed.error());
  } else if (parsed->help) {
    words.exit = show_help(verb);
  } else if (parsed->rest.size() < least || parsed->rest.size() > most) {
    complain(std::string("nucleus ") + verb.name + " takes " + verb.usage + "; see nucleus " +
             verb.name + " --help");
    words.exit = 2;
  } else {
    words.list = std::move(parsed->rest);
  }
  return words;
}

int print_text(const std::string& text) {
  const auto written = sys::write_all(STDOUT_FILENO, text, "standard output");
  if (!written) complain(written.error().text());
  return written ? 0 : 125;
}

std::string status_text(const store::Listed& listed) {
  if (!listed.entry) return "unreadable";
  if (!listed.lost && listed.entry->restart_usec) return "restarting";
  return listed.lost ? "lost" : store::status_name(listed.entry->status);
}

}  // namespace nucleus::cli
