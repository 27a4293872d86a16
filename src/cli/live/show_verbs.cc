// The verbs that show: ps, inspect, logs.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/live/table.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "control/client.h"
#include "log/reader.h"
#include "spec/spec_json.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using json::Json;

std::string time_text(std::int64_t usec) {
  const auto seconds = static_cast<time_t>(usec / 1'000'000);
  tm parts{};
  (void)::gmtime_r(&seconds, &parts);
  char text[32];
  (void)std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json time_json(const std::optional<std::int64_t>& usec) {
  return usec ? Json(time_text(*usec)) : Json(nullptr);
}

// "3 minutes": the largest unit that says something.
std::string age(std::int64_t usec) {
  const std::int64_t seconds =
      std::max<std::int64_t>(0, static_cast<std::int64_t>(::time(nullptr)) - usec / 1'000'000);
  const struct {
    std::int64_t span;
    const char* name;
  } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const auto& unit : units) {
    const std::int64_t count = seconds / unit.span;
    if (count >= 1) return std::to_string(count) + " " + unit.name + (count == 1 ? "" : "s");
  }
  return "0 seconds";
}

std::string words_of(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string long_status(const store::Listed& listed) {
  std::string status = status_text(listed);
  if (!listed.entry) return status;
  const store::Entry& entry = *listed.entry;
  std::string text = status;
  if ((status == "stopped" || status == "restarting") && entry.ending) {
    text += " (" + std::to_string(entry.ending->code) + ")";
    if (entry.ending->reason != "exited") text += " " + entry.ending->reason;
  }
  if (status == "running" && !entry.health.status.empty()) text += " (" + entry.health.status + ")";
  return text;
}

Json short_json(const store::Listed& listed) {
  Json object;
  object["id"] = listed.id;
  if (!listed.entry) {
    object["status"] = "unreadable";
    object["error"] = listed.error->text();
    return object;
  }
  const store::Entry& entry = *listed.entry;
  object["name"] = entry.name.empty() ? Json(nullptr) : Json(entry.name);
  object["status"] = status_text(listed);
  object["pid"] = listed.lost || entry.pid == 0 ? Json(nullptr) : Json(entry.pid);
  object["created"] = time_text(entry.created_usec);
  object["started"] = time_json(entry.started_usec);
  object["finished"] = time_json(entry.finished_usec);
  object["code"] = entry.ending ? Json(entry.ending->code) : Json(nullptr);
  object["command"] = entry.command;
  object["labels"] = Json::object();
  for (const auto& [key, value] : entry.labels) object["labels"][key] = value;
  object["health"] = entry.health.status.empty() ? Json(nullptr) : Json(entry.health.status);
  object["restarts"] = entry.restarts;
  return object;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// The schema of docs/containers.md.
Json inspect_json(const store::Store& store, const store::Listed& listed) {
  Json object = short_json(listed);
  if (!listed.entry) return object;
  const store::Entry& entry = *listed.entry;
  object["version"] = 1;
  object["owner"] = entry.owner;
  const bool has_supervisor =
      !listed.lost && (entry.status < store::Status::stopped || entry.restart_usec);
  object["supervisor"] = has_supervisor ? Json(entry.supervisor) : Json(nullptr);
  object["stand_by"] = has_supervisor && entry.stand_by != 0 ? Json(entry.stand_by) : Json(nullptr);
  if (!entry.health.status.empty()) {
    object["health"] = Json{{"status", entry.health.status},
                            {"failures", entry.health.failures},
                            {"output", entry.health.output}};
  }
  object["status_text"] = or_null(entry.status_text);
  object["restart"] = entry.restart;
  object["restart_at"] = time_json(entry.restart_usec);
  object["remove"] = entry.remove;
  object["cgroups"] = entry.cgroups;
  Json& log = object["log"];
  log["driver"] = entry.log_driver;
  log["file"] =
      entry.log_driver == "json" ? Json(store.directory(entry.id) + "/" + log::kFileName) : Json();
  if (entry.ending) {
    const store::Ending& ending = *entry.ending;
    Json& end = object["ending"];
    end["reason"] = ending.reason;
    end["code"] = ending.code;
    end["signal"] = ending.signal != 0 ? Json(ending.signal) : Json(nullptr);
    end["limit"] = or_null(ending.limit);
    end["message"] = or_null(ending.message);
    end["peak_memory_bytes"] = json::write(ending.peak_memory_bytes);
    end["cpu_usec"] = json::write(ending.cpu_usec);
    end["oom_kills"] = json::write(ending.oom_kills);
  } else {
    object["ending"] = nullptr;
  }
  object["notes"] = entry.notes;
  const auto spec = store.spec(entry.id);
  const bool production = spec && spec->mode == spec::ServiceMode::production;
  object["mode"] = spec ? Json(production ? "production" : "agent") : Json(nullptr);
  object["audit_log"] = spec && !spec->audit_log.empty() ? Json(spec->audit_log) : Json(nullptr);
  object["spec"] = spec ? Json::parse(spec::to_json(*spec)) : Json(nullptr);
  return object;
}

// "status=running", "name=web", "label=a" or "label=a=b".
Result<bool> matches(const store::Listed& listed, const std::string& filter) {
  const std::size_t equals = filter.find('=');
  const std::string key = filter.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : filter.substr(equals + 1);
  if (key == "status") return status_text(listed) == value;
  if (key == "id") return listed.id.starts_with(value);
  if (key == "name") return listed.entry && listed.entry->name.find(value) != std::string::npos;
  if (key == "label") {
    if (!listed.entry) return false;
    const std::size_t inner = value.find('=');
    return std::ranges::any_of(listed.entry->labels, [&](const auto& label) {
      return label.first == value.substr(0, inner) &&
             (inner == std::string::npos || label.second == value.substr(inner + 1));
    });
  }
  return fail(Kind::usage, 0, "take this value for --filter", filter,
              "write status=, name=, id= or label= and a value");
}

}  // namespace

int ps_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> all;
  std::optional<bool> quiet;
  std::optional<bool> as_json;
  std::optional<bool> whole;
  std::optional<std::string> format;
  std::vector<std::string> filters;
  Parser parser(kPsText);
  parser.bind("root", root);
  parser.bind("all", all);
  parser.bind("quiet", quiet);
  parser.bind("json", as_json);
  parser.bind("no-trunc", whole);
  parser.bind("format", format);
  parser.bind("filter", filters);
  const Words words = parse_words(parser, kPsText, argc, argv, 0, 0);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  std::vector<store::Listed> shown;
  const bool by_status = std::ranges::any_of(
      filters, [](const std::string& filter) { return filter.starts_with("status="); });
  for (store::Listed& listed : store->list()) {
    const bool lives =
        listed.entry && !listed.lost &&
        (listed.entry->status == store::Status::running ||
         listed.entry->status == store::Status::paused ||
         listed.entry->status == store::Status::creating || listed.entry->restart_usec);
    // One that cannot be read may well run.
    if (!lives && listed.entry && !all.value_or(false) && !by_status) continue;
    bool wanted = true;
    for (const std::string& filter : filters) {
      const auto fits = matches(listed, filter);
      if (!fits) return complain_of(fits.error());
      wanted = wanted && *fits;
    }
    if (wanted) shown.push_back(std::move(listed));
  }
  std::string text;
  if (as_json.value_or(false)) {
    Json list = Json::array();
    for (const store::Listed& listed : shown) list.push_back(short_json(listed));
    return print_text(json::dump(list, 2) + "\n");
  }
  if (quiet.value_or(false)) {
    for (const store::Listed& listed : shown) text += listed.id + "\n";
    return print_text(text);
  }
  if (format) {
    for (const store::Listed& listed : shown) {
      const auto line = formatted(*format, short_json(listed));
      if (!line) return complain_of(line.error());
      text += *line + "\n";
    }
    return print_text(text);
  }
  Table table({"CONTAINER", "NAME", "STATUS", "CREATED", "PID", "COMMAND"});
  for (const store::Listed& listed : shown) {
    const std::string id = whole.value_or(false) ? listed.id : listed.id.substr(0, 12);
    if (!listed.entry) {
      table.row({id, "-", "unreadable", "-", "-", "-"});
      complain(listed.error->text());
      continue;
    }
    const store::Entry& entry = *listed.entry;
    table.row({id, entry.name.empty() ? "-" : entry.name, long_status(listed),
               age(entry.created_usec) + " ago",
               listed.lost || entry.pid == 0 ? "-" : std::to_string(entry.pid),
               cut(words_of(entry.command), whole.value_or(false) ? 0 : 40)});
  }
  return print_text(table.text());
}

int inspect_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<std::string> format;
  Parser parser(kInspectText);
  parser.bind("root", root);
  parser.bind("format", format);
  const Words words = parse_words(parser, kInspectText, argc, argv, 1, 1'000'000);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  Json list = Json::array();
  std::string lines;
  const int code = for_each_container(*store, words.list,
                                      [&](const std::string& id, const std::string&) -> Result<> {
                                        const store::Listed listed = store->read(id);
                                        if (listed.error) return std::unexpected(*listed.error);
                                        Json object = inspect_json(*store, listed);
                                        if (format)
                                          lines += NUCLEUS_TRY(formatted(*format, object)) + "\n";
                                        list.push_back(std::move(object));
                                        return {};
                                      });
  const int printed = print_text(format ? lines : json::dump(list, 2) + "\n");
  return code != 0 ? code : printed;
}

int logs_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<std::string> tail;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::optional<std::string> stream;
  std::optional<bool> follow;
  std::optional<bool> timestamps;
  Parser parser(kLogsText);
  parser.bind("root", root);
  parser.bind("follow", follow);
  parser.bind("tail", tail);
  parser.bind("since", since);
  parser.bind("until", until);
  parser.bind("timestamps", timestamps);
  parser.bind("stream", stream);
  const Words words = parse_words(parser, kLogsText, argc, argv, 1, 1);
  if (words.exit) return *words.exit;
  const auto done = [&]() -> Result<> {
    log::Selection selection;
    if (tail && *tail != "all")
      selection.tail = NUCLEUS_TRY(parse_number("--tail", *tail, 0, UINT64_MAX / 2));
    if (since) selection.since = NUCLEUS_TRY(log::parse_time("--since", *since));
    if (until) selection.until = NUCLEUS_TRY(log::parse_time("--until", *until));
    if (stream && *stream != "stdout" && *stream != "stderr")
      return fail(Kind::usage, 0, "take this value for --stream", *stream, "use stdout or stderr");
    if (stream) selection.stream = *stream == "stdout" ? log::Stream::out : log::Stream::err;
    const auto store = NUCLEUS_TRY(open_store(root));
    const std::string id = NUCLEUS_TRY(store.resolve(words.list[0]));
    const store::Listed listed = store.read(id);
    if (listed.entry && listed.entry->foreground) {
      return fail(Kind::usage, 0, "show the log of", words.list[0],
                  "it runs in the foreground: what it says is said there");
    }
    if (listed.entry && listed.entry->log_driver == "none")
      return fail(Kind::usage, 0, "show the log of", words.list[0],
                  "it runs with --log-driver none");
    if (listed.entry && listed.entry->log_driver == "journald") {
      return fail(Kind::usage, 0, "show the log of", words.list[0],
                  "it is in the journal: journalctl CONTAINER_ID_FULL=" + id);
    }
    Result<> written;
    const auto show = [&](const log::Record& record) {
      if (!written) return;
      const std::string line =
          timestamps.value_or(false) ? record.time + " " + record.text : record.text;
      const bool err = record.stream == log::Stream::err;
      written = sys::write_all(err ? STDERR_FILENO : STDOUT_FILENO, line,
                               err ? "standard error" : "standard output");
    };
    log::Reader reader(store.directory(id));
    NUCLEUS_CHECK(reader.read(selection, show));
    if (!follow.value_or(false)) return written;
    selection.tail.reset();
    // Its end closes the connection; until then a look every now and then is enough.
    const auto socket = control::connect_to(store.directory(id));
    if (socket) NUCLEUS_CHECK(control::send_packet(socket->get(), R"({"op":"wait"})"));
    for (bool last = !socket; written;) {
      NUCLEUS_CHECK(reader.more(selection, show));
      if (last) break;
      pollfd end{.fd = socket->get(), .events = POLLIN, .revents = 0};
      last = ::poll(&end, 1, 100) > 0;
    }
    return written;
  }();
  if (done) return 0;
  // Whoever read it has enough, as with every other tool in a pipe.
  return done.error().errnum == EPIPE ? 0 : complain_of(done.error());
}

}  // namespace nucleus::cli
