// `nucleus audit`: what the audit log says, and whether it is as it was written.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "audit/place.h"
#include "audit/verify.h"
#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "log/reader.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using json::Json;

struct Flags {
  std::optional<std::string> file, head, since, until;
  std::vector<std::string> filters;
  std::optional<bool> follow, json;
};

Result<std::string> path_of(const Flags& flags) {
  if (flags.file) return *flags.file;
  const char* const set = std::getenv("NUCLEUS_AUDIT_LOG");
  if (set != nullptr && *set != '\0' && std::string_view(set) != "default") return set;
  return audit::default_path();
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  return found->is_string() ? found->get<std::string>() : json::dump(*found);
}

std::uint64_t uid_of(const Json& object) {
  const auto actor = object.find("actor");
  if (actor == object.end() || !actor->is_object() || !actor->contains("uid")) return 0;
  return (*actor)["uid"].is_number_unsigned() ? (*actor)["uid"].get<std::uint64_t>() : 0;
}

struct Selection {
  std::string since, until;  // as a line's time begins; empty: no bound
  std::vector<std::pair<std::string, std::string>> filters;

  Result<> add(const std::string& filter) {
    const std::size_t equals = filter.find('=');
    const std::string key = filter.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : filter.substr(equals + 1);
    const bool known =
        key == "event" || key == "id" || key == "name" || key == "result" || key == "uid";
    if (!known || value.empty()) {
      return fail(Kind::usage, 0, "take this value for --filter", filter,
                  "write event=, id=, name=, result= or uid= and a value");
    }
    filters.emplace_back(key, value);
    return {};
  }

  [[nodiscard]] bool has(const Json& object) const {
    const std::string time = text_of(object, "time");
    if ((!since.empty() && time < since) || (!until.empty() && time > until)) return false;
    // Several of one key are either of them; of different keys all must hold.
    return std::ranges::all_of(filters, [&](const auto& one) {
      return std::ranges::any_of(filters, [&](const auto& other) {
        return other.first == one.first && matches(object, other.first, other.second);
      });
    });
  }

 private:
  static bool matches(const Json& object, const std::string& key, const std::string& value) {
    if (key == "uid") return std::to_string(uid_of(object)) == value;
    const std::string found = text_of(object, key.c_str());
    return key == "id" ? found.starts_with(value) : found == value;
  }
};

// "2026-11-26T10:00:00.000Z uid 0 exec 0123456789abcdef requested (name=web, command=sh -c ...)"
std::string line_of(const Json& object) {
  std::string about;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (value.empty()) return;
    about.append(about.empty() ? "" : ", ").append(key).append("=").append(value);
  };
  add("name", text_of(object, "name"));
  if (const auto command = object.find("command"); command != object.end()) {
    std::string words;
    for (const Json& word : *command) {
      words += words.empty() ? "" : " ";
      words += word.is_string() ? word.get<std::string>() : json::dump(word);
    }
    add("command", words);
  }
  if (const auto detail = object.find("detail"); detail != object.end() && detail->is_object()) {
    for (const auto& [key, value] : detail->items())
      add(key, value.is_string() ? value.get<std::string>() : json::dump(value));
  }
  add("message", text_of(object, "message"));
  std::string text = text_of(object, "time") + " uid " + std::to_string(uid_of(object)) + " " +
                     text_of(object, "event") + " " + text_of(object, "id") + " " +
                     text_of(object, "result");
  if (!about.empty()) text += " (" + about + ")";
  return printable(text);
}

Result<> show(const std::string& path, const Selection& selection, const Flags& flags) {
  audit::LineReader reader(path);
  Result<> written;
  const auto take = [&](std::string_view line) {
    const Json object = Json::parse(line, nullptr, false);
    // Of what a crash has cut short, or somebody else wrote, verify tells.
    if (!object.is_object() || !selection.has(object)) return true;
    const std::string text = flags.json.value_or(false) ? std::string(line) : line_of(object);
    written = sys::write_all(STDOUT_FILENO, text + "\n", "standard output");
    return written.has_value();
  };
  for (;;) {
    NUCLEUS_CHECK(reader.more(take));
    if (!written || !flags.follow.value_or(false)) return written;
    pollfd gone{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    if (::poll(&gone, 1, 200) > 0 && (gone.revents & (POLLERR | POLLHUP)) != 0) return {};
  }
}

Result<> show_selected(const std::string& path, const Flags& flags) {
  Selection selection;
  if (flags.since) selection.since = NUCLEUS_TRY(log::parse_time("--since", *flags.since));
  if (flags.until) selection.until = NUCLEUS_TRY(log::parse_time("--until", *flags.until));
  for (const std::string& filter : flags.filters) NUCLEUS_CHECK(selection.add(filter));
  return show(path, selection, flags);
}

std::string verdict_json(const std::string& path, const audit::Verdict& verdict) {
  Json object;
  object["file"] = path;
  object["good"] = !verdict.fault.has_value();
  object["lines"] = verdict.lines;
  object["torn"] = verdict.torn;
  object["head"] = {{"seq", verdict.head.seq}, {"hash", verdict.head.hash}};
  if (verdict.fault)
    object["fault"] = {{"line", verdict.fault->line}, {"what", verdict.fault->what}};
  return json::dump(object) + "\n";
}

std::string verdict_text(const std::string& path, const audit::Verdict& verdict) {
  std::string text =
      printable(path) + ": " + std::to_string(verdict.lines) + " lines follow one another";
  if (verdict.torn > 0)
    text += ", " + std::to_string(verdict.torn) + " cut short by a crash and told of";
  return text + "\nhead " + std::to_string(verdict.head.seq) + ":" + verdict.head.hash + "\n";
}

int verify_file(const std::string& path, const Flags& flags) {
  std::optional<audit::Link> expected;
  if (flags.head) {
    const auto head = audit::parse_head(*flags.head);
    if (!head) return complain_of(head.error());
    expected = *head;
  }
  const auto verdict = audit::verify(path, expected);
  if (!verdict) {
    complain(verdict.error().text());
    return 2;
  }
  const bool as_json = flags.json.value_or(false);
  if (as_json || !verdict->fault) {
    const int printed =
        print_text(as_json ? verdict_json(path, *verdict) : verdict_text(path, *verdict));
    if (printed != 0) return printed;
  }
  if (!verdict->fault) return 0;
  if (!as_json) {
    complain(path + ": line " + std::to_string(verdict->fault->line) +
             " is not as it was written: " + verdict->fault->what + "; the " +
             std::to_string(verdict->lines) + " lines before it are good");
  }
  return 1;
}

}  // namespace

int audit_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kAuditText);
  parser.bind("file", flags.file);
  parser.bind("head", flags.head);
  parser.bind("since", flags.since);
  parser.bind("until", flags.until);
  parser.bind("filter", flags.filters);
  parser.bind("follow", flags.follow);
  parser.bind("json", flags.json);
  const Words words = parse_words(parser, kAuditText, argc, argv, 1, 1);
  if (words.exit) return *words.exit;
  const std::string& what = words.list.front();
  if (what != "show" && what != "verify") {
    return complain_of(
        fail(Kind::usage, 0, "do", what, "nucleus audit takes show or verify").error());
  }
  const auto path = path_of(flags);
  if (!path) return complain_of(path.error());
  if (what == "verify") return verify_file(*path, flags);
  const auto shown = show_selected(*path, flags);
  if (shown) return 0;
  // Whoever read it has enough, as with every other tool in a pipe.
  return shown.error().errnum == EPIPE ? 0 : complain_of(shown.error());
}

}  // namespace nucleus::cli
