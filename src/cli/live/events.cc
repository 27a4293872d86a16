// `nucleus events`: the journal of a state root, as lines for people or as JSON; and following it.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "log/reader.h"
#include "store/journal.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

constexpr std::array kKnown = {
    "create",  "start",      "die",      "oom",           "stop",   "kill",   "pause", "resume",
    "restart", "exec_start", "exec_die", "health_status", "rename", "remove", "ready", "adopt"};

struct Selection {
  std::string since, until;  // as Event.time begins; empty: no bound
  std::vector<std::string> events, containers;

  Result<> add(const std::string& filter) {
    const std::size_t equals = filter.find('=');
    const std::string key = filter.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : filter.substr(equals + 1);
    if (value.empty() || (key != "event" && key != "container")) {
      return fail(Kind::usage, 0, "take this value for --filter", filter,
                  "write event= or container= and a value");
    }
    if (key == "event" && std::ranges::find(kKnown, value) == kKnown.end()) {
      std::string known;
      for (const char* const name : kKnown)
        known += (known.empty() ? "" : ", ") + std::string(name);
      return fail(Kind::usage, 0, "take this value for --filter", filter,
                  "the events are: " + known);
    }
    (key == "event" ? events : containers).push_back(value);
    return {};
  }

  [[nodiscard]] bool has(const store::Event& event) const {
    if (!since.empty() && event.time < since) return false;
    if (!until.empty() && event.time > until) return false;
    if (!events.empty() && std::ranges::find(events, event.event) == events.end()) return false;
    return containers.empty() || std::ranges::any_of(containers, [&](const std::string& word) {
             return event.name == word || event.id.starts_with(word);
           });
  }
};

// "2026-11-25T22:59:32.123456Z die 0123456789abcdef (name=web, code=1)"
std::string line_of(const store::Event& event) {
  std::string text = event.time + " " + event.event + " " + event.id;
  std::string about = event.name.empty() ? "" : "name=" + event.name;
  for (const auto& [key, value] : event.attributes) {
    if (!about.empty()) about += ", ";
    about.append(key).append("=").append(value);
  }
  if (!about.empty()) text += " (" + about + ")";
  return printable(text);
}

Result<> show(const store::Store& store, const Selection& selection, bool as_json, bool follow) {
  store::JournalReader reader(store.root());
  Result<> written;
  const auto take = [&](const store::Event& event) {
    if (!written || !selection.has(event)) return;
    written =
        sys::write_all(STDOUT_FILENO, (as_json ? store::to_json(event) : line_of(event)) + "\n",
                       "standard output");
  };
  for (;;) {
    // Asked before the look: what comes until then is seen by it.
    const bool over = !follow || (!selection.until.empty() &&
                                  selection.until < NUCLEUS_TRY(log::parse_time("", "1ms")));
    NUCLEUS_CHECK(reader.more(take));
    if (!written || over) return written;
    // A reader that goes away is noticed also while nothing happens.
    pollfd gone{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    if (::poll(&gone, 1, 100) > 0 && (gone.revents & (POLLERR | POLLHUP)) != 0) return {};
  }
}

}  // namespace

int events_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::optional<bool> follow;
  std::optional<bool> as_json;
  std::vector<std::string> filters;
  Parser parser(kEventsText);
  parser.bind("root", root);
  parser.bind("since", since);
  parser.bind("until", until);
  parser.bind("follow", follow);
  parser.bind("json", as_json);
  parser.bind("filter", filters);
  const Words words = parse_words(parser, kEventsText, argc, argv, 0, 0);
  if (words.exit) return *words.exit;
  const auto done = [&]() -> Result<> {
    Selection selection;
    if (since) selection.since = NUCLEUS_TRY(log::parse_time("--since", *since));
    if (until) selection.until = NUCLEUS_TRY(log::parse_time("--until", *until));
    for (const std::string& filter : filters) NUCLEUS_CHECK(selection.add(filter));
    const auto store = NUCLEUS_TRY(open_store(root));
    return show(store, selection, as_json.value_or(false), follow.value_or(false));
  }();
  if (done) return 0;
  // Whoever read it has enough, as with every other tool in a pipe.
  return done.error().errnum == EPIPE ? 0 : complain_of(done.error());
}

}  // namespace nucleus::cli
