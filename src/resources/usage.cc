#include "resources/usage.h"

#include <fcntl.h>

#include <charconv>
#include <string_view>

#include "sys/file.h"

namespace nucleus::resources {
namespace {

// v1 has no word for "no limit": it is the largest number of pages.
constexpr std::uint64_t kNoLimit = 1ULL << 62U;

using Number = std::optional<std::uint64_t>;

class Files {
 public:
  explicit Files(const std::string& path) : path_(path) {}

  [[nodiscard]] std::optional<std::string> text(const char* file) const {
    auto text = sys::read_file_at(AT_FDCWD, path_ + "/" + file);
    if (!text) return std::nullopt;
    return std::move(*text);
  }
  // "max" is no number.
  [[nodiscard]] Number number(const char* file) const {
    const auto all = text(file);
    return all ? parsed(*all) : std::nullopt;
  }
  // Of a flat keyed file.
  [[nodiscard]] Number keyed(const char* file, std::string_view key) const {
    const auto all = text(file);
    if (!all) return std::nullopt;
    const std::string lines = "\n" + *all;
    const std::string wanted = "\n" + std::string(key) + " ";
    const std::size_t at = lines.find(wanted);
    if (at == std::string::npos) return std::nullopt;
    return parsed(std::string_view(lines).substr(at + wanted.size()));
  }
  // The sum of all numbers that follow this, such as "rbytes=" or "Read ".
  [[nodiscard]] Number sum(const char* file, std::string_view key) const {
    const auto all = text(file);
    if (!all) return std::nullopt;
    std::uint64_t total = 0;
    for (std::size_t at = all->find(key); at != std::string::npos; at = all->find(key, at + 1))
      total += parsed(std::string_view(*all).substr(at + key.size())).value_or(0);
    return total;
  }
  [[nodiscard]] std::optional<double> pressure(const char* file) const {
    const auto all = text(file);
    const std::string_view key = "some avg10=";
    if (!all || !all->starts_with(key)) return std::nullopt;
    double value = 0;
    const char* const end = all->data() + all->size();
    if (std::from_chars(all->data() + key.size(), end, value).ec != std::errc())
      return std::nullopt;
    return value;
  }

 private:
  static Number parsed(std::string_view text) {
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      return std::nullopt;
    return value;
  }

  std::string path_;
};

void take(Number& into, Number value) {
  if (value) into = value;
}

Number less(Number whole, Number part) {
  if (whole && part) return *whole - std::min(*whole, *part);
  return whole;
}

void read_v1(const Files& files, Usage& usage) {
  if (const Number nsec = files.number("cpuacct.usage")) usage.cpu_usec = *nsec / 1000;
  const Number memory = files.number("memory.usage_in_bytes");
  if (memory) {
    usage.memory_bytes = less(memory, files.keyed("memory.stat", "total_inactive_file"));
    const Number limit = files.number("memory.limit_in_bytes");
    if (limit && *limit < kNoLimit) usage.memory_limit_bytes = limit;
    if (const Number both = files.number("memory.memsw.usage_in_bytes"))
      usage.swap_bytes = less(both, memory);
  }
  take(usage.io_read_bytes, files.sum("blkio.throttle.io_service_bytes_recursive", "Read "));
  take(usage.io_written_bytes, files.sum("blkio.throttle.io_service_bytes_recursive", "Write "));
}

void read_v2(const Files& files, Usage& usage) {
  take(usage.cpu_usec, files.keyed("cpu.stat", "usage_usec"));
  if (const Number memory = files.number("memory.current")) {
    usage.memory_bytes = less(memory, files.keyed("memory.stat", "inactive_file"));
    usage.memory_limit_bytes = files.number("memory.max");
    usage.swap_bytes = files.number("memory.swap.current");
  }
  take(usage.io_read_bytes, files.sum("io.stat", "rbytes="));
  take(usage.io_written_bytes, files.sum("io.stat", "wbytes="));
  usage.cpu_pressure = files.pressure("cpu.pressure");
  usage.memory_pressure = files.pressure("memory.pressure");
  usage.io_pressure = files.pressure("io.pressure");
}

}  // namespace

Usage read_usage(const std::vector<std::string>& paths) {
  Usage usage;
  for (const std::string& path : paths) {
    const Files files(path);
    if (files.text("cgroup.controllers")) {
      read_v2(files, usage);
    } else {
      read_v1(files, usage);
    }
    take(usage.pids, files.number("pids.current"));
    take(usage.pids_limit, files.number("pids.max"));
  }
  return usage;
}

}  // namespace nucleus::resources
