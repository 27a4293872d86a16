// `nucleus checkpoint`: whether a checkpoint is as it was sealed, the key of it, what CRIU can do
// here, and what would keep a container from being checkpointed.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/json_fields.h"
#include "base/units.h"
#include "checkpoint/blockers.h"
#include "checkpoint/criu.h"
#include "checkpoint/key.h"
#include "checkpoint/seal.h"
#include "cli/live/containers.h"
#include "cli/live/table.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/processes.h"

namespace nucleus::cli {
namespace {

using json::Json;

constexpr int kNotAsSealed = 1;
constexpr int kNoUse = 1;
constexpr int kInTheWay = 1;
// Less than this is read in a moment.
constexpr std::uint64_t kWorthTelling = 256U << 20;

std::string bar(std::uint64_t done, std::uint64_t all) {
  constexpr std::uint64_t kWidth = 30;
  const std::uint64_t filled = all == 0 ? kWidth : done * kWidth / all;
  std::string text = "verifying [";
  text.append(filled, '#').append(kWidth - filled, '.');
  text.append("] ").append(std::to_string(all == 0 ? 100 : done * 100 / all)).append("% of ");
  return text + std::to_string(all >> 20) + " MiB";
}

int verify_directory(const std::string& path, bool as_json) {
  const auto key_path = checkpoint::key_path();
  if (!key_path) return complain_of(key_path.error());
  const auto directory = checkpoint::open_checkpoint(path);
  if (!directory && directory.error().kind == Kind::usage) return complain_of(directory.error());
  if (const auto key = checkpoint::load_key(*key_path); !key) return complain_of(key.error());
  checkpoint::Progress progress;
  if (status_line_works()) {
    progress = [](std::uint64_t done, std::uint64_t all) {
      if (all >= kWorthTelling) show_status(bar(done, all));
    };
  }
  const auto verified = directory
                            ? checkpoint::verify(directory->get(), path, *key_path, progress)
                            : Result<checkpoint::Verified>(std::unexpected(directory.error()));
  if (progress) show_status("");
  if (as_json) {
    Json object;
    object["directory"] = path;
    object["good"] = verified.has_value();
    object["key"] = verified ? Json(verified->key) : Json(nullptr);
    object["files"] = verified ? Json(verified->tree.files) : Json(nullptr);
    object["bytes"] = verified ? Json(verified->tree.bytes) : Json(nullptr);
    object["fault"] = verified ? Json(nullptr) : Json(verified.error().text());
    const int printed = print_text(json::dump(object) + "\n");
    return printed != 0 ? printed : verified ? 0 : kNotAsSealed;
  }
  if (!verified) {
    complain(verified.error().text());
    return kNotAsSealed;
  }
  std::string text = printable(path) + ": as it was sealed, " +
                     std::to_string(verified->tree.files) + " files, " +
                     std::to_string(verified->tree.bytes) + " bytes";
  if (verified->key != *key_path) text += ", with the earlier key " + printable(verified->key);
  return print_text(text + "\n");
}

int key_command(const std::string& what) {
  const auto path = checkpoint::key_path();
  if (!path) return complain_of(path.error());
  if (what == "init") {
    const auto made = checkpoint::make_key(*path);
    return made ? print_text(*path + "\n") : complain_of(made.error());
  }
  const auto kept = checkpoint::rotate_key(*path);
  if (!kept) return complain_of(kept.error());
  return print_text(printable(*path) +
                    "\nthe one before is kept, for what it has sealed: " + printable(*kept) + "\n");
}

std::string why_not(const checkpoint::CriuReport& report) {
  if (!report.works) return "it does not work here: " + report.reason;
  if (report.version < checkpoint::kOldestCriu)
    return "it is too old: " + checkpoint::kOldestCriu.text() + " or newer is needed";
  for (const checkpoint::CriuFeature& feature : report.features) {
    if (feature.required && !feature.here)
      return "it cannot do what is needed: " + std::string(feature.name) + ": " + feature.reason;
  }
  return {};
}

std::string criu_json(const checkpoint::Criu& criu, const checkpoint::CriuReport& report) {
  Json object;
  object["path"] = criu.path;
  object["version"] = report.version.text();
  object["oldest"] = checkpoint::kOldestCriu.text();
  object["good"] = report.good();
  object["check"] = report.works;
  object["reason"] = report.good() ? Json(nullptr) : Json(why_not(report));
  object["features"] = Json::array();
  for (const checkpoint::CriuFeature& feature : report.features) {
    object["features"].push_back({{"name", feature.name},
                                  {"here", feature.here},
                                  {"required", feature.required},
                                  {"for", feature.serves},
                                  {"reason", feature.here ? Json(nullptr) : Json(feature.reason)}});
  }
  return json::dump(object) + "\n";
}

std::string criu_text(const checkpoint::Criu& criu, const checkpoint::CriuReport& report) {
  Table table({"FEATURE", "HERE", "FOR"});
  for (const checkpoint::CriuFeature& feature : report.features) {
    table.row({feature.name,
               feature.here       ? "yes"
               : feature.required ? "NO"
                                  : "no",
               feature.serves + (feature.here ? "" : " (" + feature.reason + ")")});
  }
  return printable(criu.path) + ", version " + report.version.text() +
         (report.works ? ", works here" : "") + "\n\n" + table.text();
}

int show_criu(const std::optional<std::string>& wanted, bool as_json) {
  const char* const path = std::getenv("PATH");
  const auto criu = checkpoint::find_criu(wanted, checkpoint::usual_criu_places(),
                                          path == nullptr ? std::string() : path);
  if (!criu) return complain_of(criu.error());
  const auto report = checkpoint::probe_criu(*criu);
  if (!report) return complain_of(report.error());
  const int printed = print_text(as_json ? criu_json(*criu, *report) : criu_text(*criu, *report));
  if (printed != 0 || report->good()) return printed;
  if (!as_json) {
    complain(criu->path + ": " + why_not(*report) +
             (::geteuid() == 0 ? "; name another with --criu" : "; checkpoints need root"));
  }
  return kNoUse;
}

struct Checked {
  std::string id;
  std::vector<container::Process> processes;
  std::vector<checkpoint::Blocker> blockers;
};

Result<Checked> check_container(const std::optional<std::string>& root, const std::string& word) {
  const auto store = NUCLEUS_TRY(open_store(root));
  Checked checked;
  checked.id = NUCLEUS_TRY(store.resolve(word));
  const store::Listed listed = store.read(checked.id);
  if (listed.error) return std::unexpected(*listed.error);
  const auto spec = NUCLEUS_TRY(store.spec(checked.id));
  if (spec.shares_host()) {
    return fail(Kind::usage, 0, "checkpoint a container of", "--isolation landlock",
                "it has no namespaces: what it is made of is the host's");
  }
  const store::Entry& entry = *listed.entry;
  if (!listed.lost && entry.pid != 0)
    checked.processes = container::processes_of(entry.supervisor, entry.pid);
  if (checked.processes.empty()) {
    return fail(Kind::usage, 0, "checkpoint", word,
                "it does not run: it is " + status_text(store.read(checked.id)));
  }
  std::vector<pid_t> pids;
  for (const container::Process& process : checked.processes) pids.push_back(process.host_pid);
  // Our own one comes back by itself.
  const auto init = spec.init ? std::optional(entry.pid) : std::nullopt;
  checked.blockers = NUCLEUS_TRY(checkpoint::find_blockers(pids, init));
  return checked;
}

const container::Process* process_of(const Checked& checked, pid_t pid) {
  const auto found = std::ranges::find(checked.processes, pid, &container::Process::host_pid);
  return found == checked.processes.end() ? nullptr : &*found;
}

int show_check(const std::optional<std::string>& root, const std::string& word, bool as_json) {
  const auto checked = check_container(root, word);
  if (!checked) return complain_of(checked.error());
  Json list = Json::array();
  Table table({"HPID", "PID", "COMMAND", "WHERE", "IN THE WAY", "WHAT TO DO"});
  for (const checkpoint::Blocker& blocker : checked->blockers) {
    const container::Process* const process = process_of(*checked, blocker.pid);
    const std::string name = process == nullptr ? "" : process->name;
    const pid_t inside = process == nullptr ? 0 : process->pid;
    list.push_back({{"host_pid", blocker.pid},
                    {"pid", inside},
                    {"command", name},
                    {"where", blocker.where},
                    {"what", blocker.what},
                    {"cure", blocker.cure}});
    table.row({std::to_string(blocker.pid), std::to_string(inside), name, blocker.where,
               blocker.what, blocker.cure});
  }
  const bool good = checked->blockers.empty();
  std::string text;
  if (as_json) {
    text = json::dump(Json{{"id", checked->id},
                           {"good", good},
                           {"processes", checked->processes.size()},
                           {"blockers", list}}) +
           "\n";
  } else {
    text = good ? printable(word) + ": nothing of its " +
                      std::to_string(checked->processes.size()) + " processes is in the way\n"
                : table.text();
  }
  const int printed = print_text(text);
  return printed != 0 || good ? printed : kInTheWay;
}

}  // namespace

int checkpoint_main(int argc, char** argv) {
  std::optional<bool> as_json;
  std::optional<std::string> criu, root;
  std::optional<bool> check;
  Parser parser(kCheckpointText);
  parser.bind("json", as_json);
  parser.bind("criu", criu);
  parser.bind("root", root);
  parser.bind("check", check);
  const Words words = parse_words(parser, kCheckpointText, argc, argv, 1, 2);
  if (words.exit) return *words.exit;
  const std::string& what = words.list[0];
  if (check.value_or(false)) {
    if (words.list.size() == 1) return show_check(root, what, as_json.value_or(false));
    return complain_of(
        fail(Kind::usage, 0, "take with --check", words.list[1], "it takes one container").error());
  }
  if (what == "criu" && words.list.size() == 1) return show_criu(criu, as_json.value_or(false));
  const std::string which = words.list.size() > 1 ? words.list[1] : "";
  if (what == "verify" && !which.empty()) return verify_directory(which, as_json.value_or(false));
  if (what == "key" && (which == "init" || which == "rotate")) return key_command(which);
  return complain_of(fail(Kind::usage, 0, "understand", which.empty() ? what : what + " " + which,
                          "say verify DIR, key init, key rotate, criu, or --check CONTAINER")
                         .error());
}

}  // namespace nucleus::cli
