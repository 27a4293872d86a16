// The verbs that ask a supervisor for one thing: start, stop, restart, kill, wait, rename.
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "base/json_fields.h"
#include "base/units.h"
#include "cli/live/asking.h"
#include "cli/live/audited.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "spec/names.h"
#include "supervisor/spawn.h"

namespace nucleus::cli {
namespace {

using json::Json;

// Several verbs take a time and a signal.
struct Ending {
  std::optional<std::string> time, signal;

  Result<> into(Json& request) const {
    if (time) {
      const auto span = *time == "0"
                            ? Result<std::chrono::milliseconds>(std::chrono::milliseconds(0))
                            : parse_duration("--time", *time);
      request["timeout_ms"] = NUCLEUS_TRY(span).count();
    }
    if (signal) {
      const auto number = spec::signal_number(*signal);
      if (!number) {
        return fail(Kind::usage, 0, "take this value for --signal", *signal,
                    "give a name or number, such as TERM or 15");
      }
      request["signal"] = *number;
    }
    return {};
  }
};

Result<> start_by_new_supervisor(const store::Store& store, const std::string& id) {
  supervisor::Request request{
      .wish = supervisor::Wish::start, .root = store.root(), .id = id, .spec = {}};
  request.spec = NUCLEUS_TRY(store.spec(id));
  const auto spawned = NUCLEUS_TRY(supervisor::spawn(request));
  for (const std::string& warning : spawned.warnings) complain(warning);
  return {};
}

Result<> stop_one(const store::Store& store, const std::string& id, const Json& request) {
  const store::Listed listed = store.read(id);
  if (listed.error) return std::unexpected(*listed.error);
  if (!supervised(listed) && listed.entry->restart == "no") return {};
  const auto answer = ask_whoever(store, id, request);
  if (!answer && !is_gone(answer.error())) return std::unexpected(answer.error());
  return {};
}

// One that ends by itself while it is asked for: soon its supervisor has gone, or runs it again.
Result<> restart_one(const store::Store& store, const std::string& id, const Json& request) {
  constexpr int kLooks = 100;
  constexpr unsigned kBetweenLooksUsec = 10'000;
  for (int look = 1;; ++look) {
    const store::Listed listed = store.read(id);
    if (listed.error) return std::unexpected(*listed.error);
    if (!supervised(listed)) return start_by_new_supervisor(store, id);
    const auto answer = ask(store, id, request);
    if (answer) return {};
    if (!is_gone(answer.error()) || look == kLooks) return std::unexpected(answer.error());
    ::usleep(kBetweenLooksUsec);
  }
}

// What takes a time and a signal, and ends each that is named.
int end_each(const config::VerbText& text, int argc, char** argv, const char* op,
             Result<> (*end_one)(const store::Store&, const std::string&, const Json&)) {
  std::optional<std::string> root;
  Ending ending;
  Parser parser(text);
  parser.bind("root", root);
  parser.bind("time", ending.time);
  parser.bind("signal", ending.signal);
  const Words words = parse_words(parser, text, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  Json request = {{"op", op}};
  if (const auto good = ending.into(request); !good) return complain_of(good.error());
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              NUCLEUS_CHECK(end_one(*store, id, request));
                              return print_word(word);
                            });
}

}  // namespace

int start_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kStartText);
  parser.bind("root", root);
  const Words words = parse_words(parser, kStartText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              const store::Listed listed = store->read(id);
                              if (listed.error) return std::unexpected(*listed.error);
                              if (supervised(listed)) {
                                NUCLEUS_CHECK(ask(*store, id, {{"op", "start"}}));
                              } else {
                                NUCLEUS_CHECK(start_by_new_supervisor(*store, id));
                              }
                              return print_word(word);
                            });
}

int stop_main(int argc, char** argv) { return end_each(kStopText, argc, argv, "stop", stop_one); }

int restart_main(int argc, char** argv) {
  return end_each(kRestartText, argc, argv, "restart", restart_one);
}

int kill_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> all;
  Ending ending;
  Parser parser(kKillText);
  parser.bind("root", root);
  parser.bind("all", all);
  parser.bind("signal", ending.signal);
  const Words words = parse_words(parser, kKillText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  Json request = {{"op", "kill"}, {"signal", SIGKILL}, {"all", all.value_or(false)}};
  if (const auto good = ending.into(request); !good) return complain_of(good.error());
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              NUCLEUS_CHECK(ask(*store, id, request));
                              return print_word(word);
                            });
}

int wait_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kWaitText);
  parser.bind("root", root);
  const Words words = parse_words(parser, kWaitText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(
      *store, words.list, [&](const std::string& id, const std::string& word) -> Result<> {
        store::Listed listed = store->read(id);
        if (listed.error) return std::unexpected(*listed.error);
        if (supervised(listed) || listed.entry->restart != "no") {
          const auto answer = ask_whoever(*store, id, {{"op", "wait"}});
          if (answer && answer->contains("code"))
            return print_word(std::to_string((*answer)["code"].get<int>()));
          if (!answer && !is_gone(answer.error())) return std::unexpected(answer.error());
          listed = store->read(id);
          if (listed.error) return std::unexpected(*listed.error);
        }
        if (!listed.entry->ending || listed.lost) {
          return fail(Kind::runtime, 0, "tell the exit code of", word,
                      "it is " + status_text(listed) + ": nobody saw its end");
        }
        return print_word(std::to_string(listed.entry->ending->code));
      });
}

int rename_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kRenameText);
  parser.bind("root", root);
  const Words words = parse_words(parser, kRenameText, argc, argv, 2, 2);
  if (words.exit) return *words.exit;
  const std::string& name = words.list[1];
  if (!spec::is_plain_name(name)) {
    return complain_of(fail(Kind::usage, 0, "take the name", name, spec::kPlainNameRule).error());
  }
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(
      *store, {words.list[0]}, [&](const std::string& id, const std::string&) -> Result<> {
        auto held = store->hold(id);
        if (held) {
          const std::string before = held->entry().name;
          NUCLEUS_CHECK(audited(*store, held->entry(), "rename", {{"new_name", name}},
                                [&] { return store->rename(*held, name); }));
          note(*store, held->entry(), "rename", {{"before", before}});
          return {};
        }
        if (held.error().errnum != EBUSY) return std::unexpected(held.error());
        NUCLEUS_CHECK(ask(*store, id, {{"op", "rename"}, {"name", name}}));
        return {};
      });
}

}  // namespace nucleus::cli
