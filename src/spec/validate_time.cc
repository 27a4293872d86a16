// Clocks of the container's own: "monotonic=SECONDS,boottime=SECONDS".
#include <charconv>

#include "spec/validator.h"

namespace nucleus::spec {
namespace {

// "-12.5" to seconds and the nanoseconds behind them, which count upwards: time_namespaces(7).
std::optional<ClockOffset> parse_offset(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string fraction = dot == std::string_view::npos ? "" : std::string(text.substr(dot + 1));
  if (fraction.size() > 9 || (dot != std::string_view::npos && fraction.empty())) return {};
  fraction.resize(9, '0');
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  const auto parse = [](std::string_view digits, auto& into) {
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return !digits.empty() && end.ec == std::errc() && end.ptr == digits.data() + digits.size();
  };
  constexpr std::uint64_t kLongest = 100ULL * 366 * 86'400;
  if (!parse(whole, seconds) || !parse(fraction, nanoseconds) || seconds > kLongest) return {};
  ClockOffset offset{.seconds = static_cast<std::int64_t>(seconds), .nanoseconds = nanoseconds};
  if (negative) {
    offset.seconds = -offset.seconds - (nanoseconds != 0 ? 1 : 0);
    offset.nanoseconds = nanoseconds != 0 ? 1'000'000'000U - nanoseconds : 0;
  }
  return offset;
}

}  // namespace

void Validator::time_namespace() {
  if (!draft_.time_namespace) return;
  spec_.clocks.emplace();
  const std::string& text = *draft_.time_namespace;
  if (text.empty() || text == "true" || text == "on") return;
  std::set<std::string> seen;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = part.find('=');
    const std::string clock = part.substr(0, equals);
    const auto offset = parse_offset(equals == std::string::npos ? "" : part.substr(equals + 1));
    if (!offset || (clock != "monotonic" && clock != "boottime") || !seen.insert(clock).second) {
      return refuse("--time-namespace", text,
                    "write --time-namespace, or --time-namespace=monotonic=SECONDS,"
                    "boottime=SECONDS: what is added to each clock, at most a hundred years");
    }
    (clock == "monotonic" ? spec_.clocks->monotonic : spec_.clocks->boottime) = *offset;
  }
}

}  // namespace nucleus::spec
