// The verbs that ask a supervisor for one thing: start, stop, kill, rm, wait, rename.
#include <csignal>
#include <cstdint>

#include "base/json_fields.h"
#include "base/units.h"
#include "cli/live/audited.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/record.h"
#include "control/client.h"
#include "spec/names.h"
#include "store/journal.h"
#include "supervisor/spawn.h"

namespace nucleus::cli {
namespace {

using json::Json;

constexpr std::size_t kMany = 1'000'000;

bool supervised(const store::Listed& listed) {
  return listed.entry && !listed.lost &&
         ((listed.entry->status != store::Status::stopped &&
           listed.entry->status != store::Status::failed) ||
          listed.entry->restart_usec);
}

Result<Json> ask(const store::Store& store, const std::string& id, const Json& request) {
  const auto socket = NUCLEUS_TRY(control::connect_to(store.directory(id)));
  const std::string text = NUCLEUS_TRY(control::ask(socket.get(), json::dump(request)));
  return json::parse(text, "the supervisor's answer");
}

// For one without a supervisor, which would do so. What was done holds also when it cannot be
// written down.
void note(const store::Store& store, const store::Entry& entry, const char* event,
          store::Attributes attributes = {}) {
  (void)store::Journal(store.root())
      .append({.time = {},
               .event = event,
               .id = entry.id,
               .name = entry.name,
               .attributes = std::move(attributes)});
}

// It was there a moment ago: a supervisor that has ended meanwhile has done what was wanted of it.
bool is_gone(const Error& error) {
  return error.errnum == ESRCH || error.errnum == ECONNRESET || error.errnum == EPIPE;
}

Result<> print_word(const std::string& word) {
  if (print_text(word + "\n") != 0) return fail(Kind::runtime, EPIPE, "write", "standard output");
  return {};
}

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

}  // namespace

int start_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kStartText);
  parser.bind("root", root);
  const Words words = parse_words(parser, kStartText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(
      *store, words.list, [&](const std::string& id, const std::string& word) -> Result<> {
        const store::Listed listed = store->read(id);
        if (listed.error) return std::unexpected(*listed.error);
        if (supervised(listed)) {
          NUCLEUS_CHECK(ask(*store, id, {{"op", "start"}}));
        } else {
          const auto spawned = NUCLEUS_TRY(supervisor::spawn(
              {.wish = supervisor::Wish::start, .root = store->root(), .id = id, .spec = {}}));
          for (const std::string& warning : spawned.warnings) complain(warning);
        }
        return print_word(word);
      });
}

int stop_main(int argc, char** argv) {
  std::optional<std::string> root;
  Ending ending;
  Parser parser(kStopText);
  parser.bind("root", root);
  parser.bind("time", ending.time);
  parser.bind("signal", ending.signal);
  const Words words = parse_words(parser, kStopText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  Json request = {{"op", "stop"}};
  if (const auto good = ending.into(request); !good) return complain_of(good.error());
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              const store::Listed listed = store->read(id);
                              if (listed.error) return std::unexpected(*listed.error);
                              if (supervised(listed) || listed.entry->restart != "no") {
                                const auto answer = ask(*store, id, request);
                                if (!answer && !is_gone(answer.error()))
                                  return std::unexpected(answer.error());
                              }
                              return print_word(word);
                            });
}

int kill_main(int argc, char** argv) {
  std::optional<std::string> root;
  Ending ending;
  Parser parser(kKillText);
  parser.bind("root", root);
  parser.bind("signal", ending.signal);
  const Words words = parse_words(parser, kKillText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  Json request = {{"op", "kill"}, {"signal", SIGKILL}};
  if (const auto good = ending.into(request); !good) return complain_of(good.error());
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(*store, words.list,
                            [&](const std::string& id, const std::string& word) -> Result<> {
                              NUCLEUS_CHECK(ask(*store, id, request));
                              return print_word(word);
                            });
}

int rm_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> force;
  Parser parser(kRmText);
  parser.bind("root", root);
  parser.bind("force", force);
  const Words words = parse_words(parser, kRmText, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(
      *store, words.list, [&](const std::string& id, const std::string& word) -> Result<> {
        const store::Listed listed = store->read(id);
        // One whose record cannot be read goes as well, when that is meant.
        if (listed.error && !force.value_or(false)) {
          Error error = *listed.error;
          if (error.hint.empty()) error.hint = "nucleus rm --force removes it all the same";
          return std::unexpected(std::move(error));
        }
        auto held = store->hold(id);
        if (!held && held.error().errnum == EBUSY) {
          if (!force.value_or(false)) {
            return fail(Kind::usage, EBUSY, "remove the container", word,
                        "it is " + status_text(listed) + ": stop it first, or add --force");
          }
          const auto answer = ask(*store, id, {{"op", "remove"}, {"timeout_ms", 0}});
          if (!answer && !is_gone(answer.error())) return std::unexpected(answer.error());
          held = store->hold(id);
          if (!held)
            return held.error().errnum == ENOENT ? print_word(word) : std::unexpected(held.error());
        }
        if (!held) {
          if (!force.value_or(false)) return std::unexpected(held.error());
          NUCLEUS_CHECK(store->remove_unreadable(id));
          return print_word(word);
        }
        NUCLEUS_CHECK(audited(*store, held->entry(), "rm", {}, [&]() -> Result<> {
          note(*store, held->entry(), "remove");
          held->remove();
          return {};
        }));
        // What its dead supervisor left, a frozen process for one, goes at once.
        if (listed.lost) container::reclaim_dead(store->root(), SIZE_MAX);
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
          const auto answer = ask(*store, id, {{"op", "wait"}});
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
