#include "base/units.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace nucleus {
namespace {

std::unexpected<Error> bad_value(std::string_view flag, std::string_view text, std::string hint) {
  return fail(Kind::usage, 0, "take this value for " + std::string(flag), std::string(text),
              std::move(hint));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// strtod and from_chars both take "inf", "nan" and hexadecimal, which nobody means here.
bool parse_decimal(std::string_view text, double& value) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

Result<ByteSize> ByteSize::parse(std::string_view flag, std::string_view text) {
  const char* const hint = "give a whole number with an optional suffix K, M, G or T, such as 512M";
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc::result_out_of_range)
    return bad_value(flag, text, "it is larger than any machine");
  if (code != std::errc() || end == text.data()) return bad_value(flag, text, hint);
  const std::string suffix = lower(text.substr(static_cast<std::size_t>(end - text.data())));
  unsigned shift = 0;
  if (suffix.empty() || suffix == "b") {
    shift = 0;
  } else if (suffix == "k" || suffix == "kb" || suffix == "kib") {
    shift = 10;
  } else if (suffix == "m" || suffix == "mb" || suffix == "mib") {
    shift = 20;
  } else if (suffix == "g" || suffix == "gb" || suffix == "gib") {
    shift = 30;
  } else if (suffix == "t" || suffix == "tb" || suffix == "tib") {
    shift = 40;
  } else {
    return bad_value(flag, text, hint);
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (number > (kMost >> shift)) return bad_value(flag, text, "it is larger than any machine");
  return ByteSize{number << shift};
}

std::string ByteSize::text() const {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::uint64_t number = bytes;
  unsigned unit = 0;
  while (unit < 4 && number != 0 && number % 1024 == 0) {
    number /= 1024;
    ++unit;
  }
  return std::to_string(number) + " " + kUnits[unit];
}

Result<CpuQuota> CpuQuota::parse(std::string_view flag, std::string_view text) {
  double cpus = 0;
  if (!parse_decimal(text, cpus))
    return bad_value(flag, text, "give a number of processors, such as 1.5");
  if (cpus < 0.01 || cpus > 8192) return bad_value(flag, text, "it must lie between 0.01 and 8192");
  return CpuQuota{
      static_cast<std::uint64_t>(std::llround(cpus * static_cast<double>(kPeriodUsec)))};
}

Result<std::chrono::milliseconds> parse_duration(std::string_view flag, std::string_view text) {
  const char* const hint = "give seconds, or a number with ms, s, m or h, such as 90, 1.5s or 5m";
  std::string_view number = text;
  double scale = 1000;
  const auto cut = [&](std::string_view suffix, double milliseconds) {
    if (!number.ends_with(suffix)) return false;
    number.remove_suffix(suffix.size());
    scale = milliseconds;
    return true;
  };
  if (!cut("ms", 1) && !cut("s", 1000) && !cut("m", 60'000)) cut("h", 3'600'000);
  double value = 0;
  if (!parse_decimal(number, value)) return bad_value(flag, text, hint);
  const double total = value * scale;
  constexpr double kYear = 365.0 * 24 * 3'600'000;
  if (total < 1 || total > kYear)
    return bad_value(flag, text, "it must lie between 1ms and 365 days");
  return std::chrono::milliseconds(std::llround(total));
}

Result<std::uint64_t> parse_number(std::string_view flag, std::string_view text,
                                   std::uint64_t lowest, std::uint64_t highest) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  if (!whole || value < lowest || value > highest) {
    return bad_value(
        flag, text,
        "give a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  }
  return value;
}

}  // namespace nucleus
