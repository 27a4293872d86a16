// The verbs that change a container while it runs: pause, resume, update.
#include <cerrno>

#include "cli/live/asking.h"
#include "cli/live/audited.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "spec/updated.h"
#include "supervisor/update.h"

namespace nucleus::cli {
namespace {

int ask_each(const config::VerbText& verb, int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(verb);
  parser.bind("root", root);
  const Words words = parse_words(parser, verb, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              NUCLEUS_CHECK(ask(*store, id, {{"op", verb.name}}));
                              return print_word(word);
                            });
}

// Of one that does not run only the record says anything; what is written there holds at its start.
Result<> update_one(const store::Store& store, const std::string& id, const spec::Draft& changes) {
  auto held = store.hold(id);
  if (held) {
    spec::ContainerSpec spec = NUCLEUS_TRY(store.spec(id));
    return audited(store, held->entry(), "update",
                   supervisor::changes_told(supervisor::update_request(changes)),
                   [&] { return supervisor::update(changes, spec, *held, nullptr); });
  }
  if (held.error().errnum != EBUSY) return std::unexpected(held.error());
  NUCLEUS_CHECK(ask_text(store, id, supervisor::update_request(changes)));
  return {};
}

bool says_nothing(const spec::Draft& draft) {
  return draft.io_limits.empty() && !draft.memory && !draft.memory_swap &&
         !draft.memory_reservation && !draft.cpus && !draft.cpu_weight && !draft.pids &&
         !draft.cpuset_cpus && !draft.restart;
}

}  // namespace

int pause_main(int argc, char** argv) { return ask_each(kPauseText, argc, argv); }

int resume_main(int argc, char** argv) { return ask_each(kResumeText, argc, argv); }

int update_main(int argc, char** argv) {
  std::optional<std::string> root;
  spec::Draft changes;
  Parser parser(kUpdateText);
  parser.bind("root", root);
  parser.bind("memory", changes.memory);
  parser.bind("memory-swap", changes.memory_swap);
  parser.bind("memory-reservation", changes.memory_reservation);
  parser.bind("cpus", changes.cpus);
  parser.bind("cpu-weight", changes.cpu_weight);
  parser.bind("cpuset-cpus", changes.cpuset_cpus);
  parser.bind("pids", changes.pids);
  parser.bind("io-limit", changes.io_limits);
  parser.bind("restart", changes.restart);
  const Words words = parse_words(parser, kUpdateText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  if (says_nothing(changes)) {
    complain("nucleus update needs to be told what to change; see nucleus update --help");
    return 2;
  }
  const std::vector<Error> wrong = spec::check_changes(changes);
  for (const Error& error : wrong) complain(error.text());
  if (!wrong.empty()) return spec::exit_code(Kind::usage);
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              NUCLEUS_CHECK(update_one(*store, id, changes));
                              return print_word(word);
                            });
}

}  // namespace nucleus::cli
