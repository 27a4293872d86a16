// `nucleus top`: the processes of a container, by their numbers on both sides.
#include <algorithm>
#include <cctype>
#include <cstdio>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/live/table.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/processes.h"

namespace nucleus::cli {
namespace {

using container::Process;
using json::Json;

std::string time_text(std::uint64_t msec) {
  const std::uint64_t seconds = msec / 1000;
  char text[64];
  (void)std::snprintf(text, sizeof text, "%02llu:%02llu:%02llu",
                      static_cast<unsigned long long>(seconds / 3600),
                      static_cast<unsigned long long>(seconds / 60 % 60),
                      static_cast<unsigned long long>(seconds % 60));
  return text;
}

// As ps shows it: the name in brackets of one that has no words (any more).
std::string words_of(const Process& process) {
  if (process.command.empty()) return "[" + process.name + "]";
  std::string text;
  for (const std::string& word : process.command) text += (text.empty() ? "" : " ") + word;
  return text;
}

struct Column {
  const char* name;
  std::string (*text)(const Process&);
};
constexpr Column kColumns[] = {
    {"hpid", [](const Process& each) { return std::to_string(each.host_pid); }},
    {"pid", [](const Process& each) { return std::to_string(each.pid); }},
    {"ppid", [](const Process& each) { return std::to_string(each.parent); }},
    {"user", [](const Process& each) { return each.user; }},
    {"uid", [](const Process& each) { return each.uid ? std::to_string(*each.uid) : "-"; }},
    {"huid", [](const Process& each) { return std::to_string(each.host_uid); }},
    {"state", [](const Process& each) { return std::string(1, each.state); }},
    {"rss", [](const Process& each) { return std::to_string(each.memory_bytes >> 10U) + "K"; }},
    {"time", [](const Process& each) { return time_text(each.cpu_msec); }},
    {"comm", [](const Process& each) { return each.name; }},
    {"args", words_of},
};
constexpr const char* kUsual[] = {"hpid", "pid", "user", "state", "rss", "time", "args"};

Result<const Column*> column_of(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name == "cmd" || name == "command") name = "args";
  std::string known;
  for (const Column& column : kColumns) {
    if (name == column.name) return &column;
    known += (known.empty() ? "" : ", ") + std::string(column.name);
  }
  return fail(Kind::usage, 0, "show the column", name, "there are: " + known);
}

Result<std::vector<const Column*>> columns_of(const std::vector<std::string>& words) {
  std::vector<const Column*> columns;
  for (const std::string& word : words) {
    for (std::size_t at = 0; at <= word.size();) {
      const std::size_t end = std::min(word.find(',', at), word.size());
      columns.push_back(NUCLEUS_TRY(column_of(word.substr(at, end - at))));
      at = end + 1;
    }
  }
  if (!columns.empty()) return columns;
  for (const char* const name : kUsual) columns.push_back(NUCLEUS_TRY(column_of(name)));
  return columns;
}

Json process_json(const Process& process) {
  Json object;
  object["host_pid"] = process.host_pid;
  object["pid"] = process.pid;
  object["parent"] = process.parent;
  object["user"] = process.user;
  object["uid"] = json::write(process.uid);
  object["host_uid"] = process.host_uid;
  object["state"] = std::string(1, process.state);
  object["memory_bytes"] = process.memory_bytes;
  object["cpu_msec"] = process.cpu_msec;
  object["name"] = process.name;
  object["command"] = process.command;
  return object;
}

Result<std::vector<Process>> find(const std::optional<std::string>& root, const std::string& word) {
  const auto store = NUCLEUS_TRY(open_store(root));
  const std::string id = NUCLEUS_TRY(store.resolve(word));
  const store::Listed listed = store.read(id);
  if (listed.error) return std::unexpected(*listed.error);
  const store::Entry& entry = *listed.entry;
  auto found = listed.lost || entry.pid == 0 ? std::vector<Process>()
                                             : container::processes_of(entry.supervisor, entry.pid);
  if (found.empty()) {
    return fail(Kind::usage, 0, "list the processes of", word,
                "it has none: it is " + status_text(store.read(id)));
  }
  return found;
}

}  // namespace

int top_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> as_json;
  Parser parser(kTopText);
  parser.bind("root", root);
  parser.bind("json", as_json);
  const Words words = parse_words(parser, kTopText, argc, argv, 1, 100);
  if (words.exit) return *words.exit;
  const auto columns = columns_of({words.list.begin() + 1, words.list.end()});
  if (!columns) return complain_of(columns.error());
  const auto processes = find(root, words.list.front());
  // As with every verb about a container: what is wrong with it is a 1.
  if (!processes) {
    complain(processes.error().text());
    return 1;
  }
  if (as_json.value_or(false)) {
    Json list = Json::array();
    for (const Process& process : *processes) list.push_back(process_json(process));
    return print_text(json::dump(list, 2) + "\n");
  }
  std::vector<std::string> cells;
  for (const Column* const column : *columns) {
    cells.emplace_back(column->name);
    for (char& c : cells.back()) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  Table table(cells);
  for (const Process& process : *processes) {
    cells.clear();
    for (const Column* const column : *columns) cells.push_back(column->text(process));
    table.row(cells);
  }
  return print_text(table.text());
}

}  // namespace nucleus::cli
