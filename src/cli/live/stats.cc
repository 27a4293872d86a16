// `nucleus stats`: what containers use, and how fast.
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <thread>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/live/table.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "resources/usage.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using json::Json;
using Clock = std::chrono::steady_clock;
using Number = std::optional<std::uint64_t>;

constexpr std::chrono::milliseconds kBetween{1000};

struct Look {
  resources::Usage usage;
  Clock::time_point when;
};

struct Row {
  std::string id, name;
  resources::Usage usage;
  std::optional<double> cpu_percent, read_rate, write_rate, memory_percent;
};

std::uint64_t host_memory() {
  struct sysinfo info{};
  return ::sysinfo(&info) == 0 ? static_cast<std::uint64_t>(info.totalram) * info.mem_unit : 0;
}

double rounded(double value) { return std::round(value * 100) / 100; }

// Nothing for the first look, and for counters of another run.
std::optional<double> rate(const Number& now, const Number& before, double seconds) {
  if (!now || !before || *now < *before || seconds <= 0) return std::nullopt;
  return rounded(static_cast<double>(*now - *before) / seconds);
}

bool runs(const store::Listed& listed) {
  return listed.entry && !listed.lost &&
         (listed.entry->status == store::Status::running ||
          listed.entry->status == store::Status::paused);
}

class Stats {
 public:
  explicit Stats(const store::Store& store) : store_(store) {}

  /// Looks at those; what is gone has no row.
  std::vector<Row> look(const std::vector<store::Listed>& all) {
    std::map<std::string, Look> looks;
    std::vector<Row> rows;
    for (const store::Listed& listed : all) {
      if (!runs(listed)) continue;
      const Look now{.usage = resources::read_usage(listed.entry->cgroups), .when = Clock::now()};
      Row row{.id = listed.id,
              .name = listed.entry->name,
              .usage = now.usage,
              .cpu_percent = {},
              .read_rate = {},
              .write_rate = {},
              .memory_percent = {}};
      if (const auto last = last_.find(listed.id); last != last_.end()) {
        const resources::Usage& before = last->second.usage;
        const double seconds = std::chrono::duration<double>(now.when - last->second.when).count();
        row.cpu_percent = rate(now.usage.cpu_usec, before.cpu_usec, seconds * 10'000);
        row.read_rate = rate(now.usage.io_read_bytes, before.io_read_bytes, seconds);
        row.write_rate = rate(now.usage.io_written_bytes, before.io_written_bytes, seconds);
      }
      const std::uint64_t room = std::min(now.usage.memory_limit_bytes.value_or(UINT64_MAX), host_);
      if (now.usage.memory_bytes && room != 0)
        row.memory_percent = rounded(100.0 * static_cast<double>(*now.usage.memory_bytes) /
                                     static_cast<double>(room));
      looks.emplace(listed.id, now);
      rows.push_back(std::move(row));
    }
    last_ = std::move(looks);
    return rows;
  }

  [[nodiscard]] std::vector<store::Listed> read(const std::vector<std::string>& ids) const {
    if (ids.empty()) return store_.list();
    std::vector<store::Listed> all;
    for (const std::string& id : ids) all.push_back(store_.read(id));
    return all;
  }

  [[nodiscard]] std::string table(const std::vector<Row>& rows) const;

 private:
  const store::Store& store_;
  std::map<std::string, Look> last_;
  std::uint64_t host_ = host_memory();
};

Json row_json(const Row& row) {
  const resources::Usage& usage = row.usage;
  Json object;
  object["id"] = row.id;
  object["name"] = row.name.empty() ? Json(nullptr) : Json(row.name);
  object["cpu_percent"] = json::write(row.cpu_percent);
  object["cpu_usec"] = json::write(usage.cpu_usec);
  object["memory_bytes"] = json::write(usage.memory_bytes);
  object["memory_limit_bytes"] = json::write(usage.memory_limit_bytes);
  object["memory_percent"] = json::write(row.memory_percent);
  object["swap_bytes"] = json::write(usage.swap_bytes);
  object["pids"] = json::write(usage.pids);
  object["pids_limit"] = json::write(usage.pids_limit);
  object["io_read_bytes"] = json::write(usage.io_read_bytes);
  object["io_written_bytes"] = json::write(usage.io_written_bytes);
  object["io_read_bytes_per_second"] = json::write(row.read_rate);
  object["io_written_bytes_per_second"] = json::write(row.write_rate);
  object["cpu_pressure_percent"] = json::write(usage.cpu_pressure);
  object["memory_pressure_percent"] = json::write(usage.memory_pressure);
  object["io_pressure_percent"] = json::write(usage.io_pressure);
  return object;
}

std::string percent(const std::optional<double>& value) {
  if (!value) return "-";
  char text[64];
  (void)std::snprintf(text, sizeof text, "%.2f%%", *value);
  return text;
}

std::string size(const Number& bytes) {
  if (!bytes) return "-";
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(*bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  char text[64];
  (void)std::snprintf(text, sizeof text, unit == 0 ? "%.0f%s" : "%.1f%s", value, kUnits[unit]);
  return text;
}

std::string Stats::table(const std::vector<Row>& rows) const {
  const bool pressure = std::ranges::any_of(
      rows, [](const Row& row) { return row.usage.memory_pressure.has_value(); });
  std::vector<std::string> heading = {"CONTAINER", "NAME", "CPU",  "MEMORY / LIMIT",
                                      "MEMORY",    "SWAP", "PIDS", "READ / WRITTEN"};
  if (pressure) heading.emplace_back("PRESSURE CPU / MEMORY / IO");
  Table table(heading);
  for (const Row& row : rows) {
    const resources::Usage& usage = row.usage;
    const Number limit = std::min(usage.memory_limit_bytes.value_or(UINT64_MAX), host_);
    std::vector<std::string> cells = {
        row.id.substr(0, 12),
        row.name.empty() ? "-" : row.name,
        percent(row.cpu_percent),
        usage.memory_bytes ? size(usage.memory_bytes) + " / " + size(limit) : "-",
        percent(row.memory_percent),
        size(usage.swap_bytes),
        usage.pids ? std::to_string(*usage.pids) : "-",
        usage.io_read_bytes ? size(usage.io_read_bytes) + " / " + size(usage.io_written_bytes)
                            : "-"};
    if (pressure)
      cells.push_back(percent(usage.cpu_pressure) + " / " + percent(usage.memory_pressure) + " / " +
                      percent(usage.io_pressure));
    table.row(std::move(cells));
  }
  return table.text();
}

// Over what is there, without a flicker: each line clears what is left behind it.
std::string on_screen(const std::string& text, bool first) {
  std::string out = first ? "\x1b[2J\x1b[H" : "\x1b[H";
  for (const char c : text) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return out + "\x1b[J";
}

Result<> need_data(const store::Listed& listed, const std::string& word) {
  if (listed.error) return std::unexpected(*listed.error);
  if (!runs(listed)) {
    return fail(Kind::usage, 0, "tell what is used by", word, "it is " + status_text(listed));
  }
  if (!resources::read_usage(listed.entry->cgroups).empty()) return {};
  return fail(Kind::runtime, 0, "tell what is used by", word,
              "it has no cgroup: start it as root, or in a delegated cgroup (systemd-run --user "
              "--scope -p Delegate=yes nucleus run ...)");
}

struct Flags {
  std::optional<std::string> root, format;
  std::optional<bool> once, as_json;
};

Result<std::string> text_of(const Flags& flags, const Stats& stats, const std::vector<Row>& rows) {
  if (flags.as_json.value_or(false)) {
    Json list = Json::array();
    for (const Row& row : rows) list.push_back(row_json(row));
    return json::dump(list, flags.once.value_or(false) ? 2 : -1) + "\n";
  }
  if (!flags.format) return stats.table(rows);
  std::string text;
  for (const Row& row : rows) text += NUCLEUS_TRY(formatted(*flags.format, row_json(row))) + "\n";
  return text;
}

Result<> show(const Flags& flags, const store::Store& store, const std::vector<std::string>& ids) {
  const bool once = flags.once.value_or(false);
  const bool screen =
      !once && !flags.as_json.value_or(false) && !flags.format && ::isatty(STDOUT_FILENO) != 0;
  Stats stats(store);
  (void)stats.look(stats.read(ids));
  for (bool first = true;; first = false) {
    std::this_thread::sleep_for(kBetween);
    const std::vector<Row> rows = stats.look(stats.read(ids));
    const std::string text = NUCLEUS_TRY(text_of(flags, stats, rows));
    NUCLEUS_CHECK(
        sys::write_all(STDOUT_FILENO, screen ? on_screen(text, first) : text, "standard output"));
    // Those that were named have all ended.
    if (once || (!ids.empty() && rows.empty())) return {};
  }
}

}  // namespace

int stats_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kStatsText);
  parser.bind("root", flags.root);
  parser.bind("no-stream", flags.once);
  parser.bind("json", flags.as_json);
  parser.bind("format", flags.format);
  const Words words = parse_words(parser, kStatsText, argc, argv, 0, 1'000'000);
  if (words.exit) return *words.exit;
  const auto store = open_store(flags.root);
  if (!store) return complain_of(store.error());
  std::vector<std::string> ids;
  const int code = for_each_container(
      *store, words.list, [&](const std::string& id, const std::string& word) -> Result<> {
        NUCLEUS_CHECK(need_data(store->read(id), word));
        ids.push_back(id);
        return {};
      });
  if (!words.list.empty() && ids.empty()) return code;
  const auto shown = show(flags, *store, ids);
  // Whoever read it has enough, as with every other tool in a pipe.
  if (!shown && shown.error().errnum != EPIPE) return complain_of(shown.error());
  return code;
}

}  // namespace nucleus::cli
