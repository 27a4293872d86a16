#include "report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "figures.h"

namespace nucleus::bench {
namespace {

double median_of(const std::vector<Contender*>& contenders, std::string_view name) {
  for (const Contender* item : contenders) {
    if (item->name == name) return summarize(item->times).median;
  }
  return 0;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (code < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code));
      out += escape;
    } else {
      out += letter;
    }
  }
  return out + '"';
}

std::string json_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

template <typename List, typename Writer>
std::string json_list(const List& list, const std::string& separator, Writer writer) {
  std::string out = "[";
  bool first = true;
  for (const auto& item : list) {
    if (!first) out += ",";
    out += separator + writer(item);
    first = false;
  }
  return out + "]";
}

}  // namespace

void print_table(const std::vector<Contender*>& contenders) {
  const double floor = median_of(contenders, "floor");
  const double bwrap = median_of(contenders, "bwrap");
  std::size_t width = 9;
  for (const Contender* item : contenders) width = std::max(width, item->label.size());
  const int pad = static_cast<int>(width);
  std::printf("\n| %-*s | min ms | median ms | p95 ms | to floor | to bwrap |\n", pad, "contender");
  std::printf("|:%s-|-------:|----------:|-------:|---------:|---------:|\n",
              std::string(width, '-').c_str());
  for (const Contender* item : contenders) {
    const Summary summary = summarize(item->times);
    std::printf("| %-*s | %6.2f | %9.2f | %6.2f | %8s | %8s |\n", pad, item->label.c_str(),
                summary.min, summary.median, summary.p95, ratio(summary.median, floor).c_str(),
                ratio(summary.median, bwrap).c_str());
  }
  for (const Contender* item : contenders) {
    if (item->failures > 0) {
      std::printf("\n%s failed %d times in its rounds; those are not in the table\n",
                  item->name.c_str(), item->failures);
    }
  }
}

Machine describe_machine() {
  Machine machine;
  machine.cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  utsname name{};
  if (::uname(&name) == 0) machine.kernel = std::string(name.release) + " " + name.machine;
  if (::getloadavg(machine.load.data(), 3) < 0) machine.load = {};
  return machine;
}

std::string to_json(const Machine& machine, const Options& options, const Field& field,
                    const std::vector<Burst>& bursts, const std::vector<Memory>& memory) {
  const std::vector<Contender*> contenders = field.contenders();
  const double floor = median_of(contenders, "floor");
  const double bwrap = median_of(contenders, "bwrap");
  const auto ratio_or_null = [](double value, double base) {
    return value > 0 && base > 0 ? json_number(value / base) : std::string("null");
  };
  std::string out = "{\n\"kernel\": " + json_text(machine.kernel) +
                    ",\n\"cores\": " + std::to_string(machine.cores) +
                    ",\n\"load\": " + json_list(machine.load, "", json_number) +
                    ",\n\"rounds\": " + std::to_string(options.rounds) + ",\n\"contenders\": ";
  out += json_list(contenders, "\n ", [&](const Contender* item) {
    const Summary summary = summarize(item->times);
    return "{\"name\": " + json_text(item->name) + ", \"label\": " + json_text(item->label) +
           ", \"argv\": " + json_list(item->command.arguments(), "", json_text) + ", \"uid\": " +
           std::to_string(item->command.user() ? item->command.user()->uid : ::geteuid()) +
           ", \"count\": " + std::to_string(summary.count) +
           ", \"failures\": " + std::to_string(item->failures) +
           ", \"min_ms\": " + json_number(summary.min) +
           ", \"median_ms\": " + json_number(summary.median) +
           ", \"p95_ms\": " + json_number(summary.p95) +
           ", \"mean_ms\": " + json_number(summary.mean) +
           ", \"to_floor\": " + ratio_or_null(summary.median, floor) +
           ", \"to_bwrap\": " + ratio_or_null(summary.median, bwrap) +
           ", \"samples_ms\": " + json_list(item->times, "", json_number) + "}";
  });
  out += ",\n\"left_out\": " + json_list(field.left_out(), "\n ", [](const LeftOut& item) {
           return "{\"name\": " + json_text(item.name) + ", \"reason\": " + json_text(item.reason) +
                  "}";
         });
  out += ",\n\"bursts\": " + json_list(bursts, "\n ", [](const Burst& burst) {
           return "{\"name\": " + json_text(burst.name) +
                  ", \"starts\": " + std::to_string(burst.starts) +
                  ", \"jobs\": " + std::to_string(burst.jobs) +
                  ", \"failures\": " + std::to_string(burst.failures) +
                  ", \"seconds\": " + json_number(burst.seconds) +
                  ", \"starts_per_second\": " + json_number(burst.rate()) + "}";
         });
  out += ",\n\"peak_rss_kib\": " + json_list(memory, "\n ", [](const Memory& item) {
           return "{\"name\": " + json_text(item.name) +
                  ", \"kib\": " + std::to_string(item.kilobytes) + "}";
         });
  return out + "\n}\n";
}

}  // namespace nucleus::bench
