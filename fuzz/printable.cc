// Names of files in what nucleus says: nothing in them steers a terminal, and JSON keeps them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/print.h"

namespace {

bool steers(const std::string& text) {
  const bool control = std::ranges::any_of(
      text, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7F; });
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = static_cast<unsigned char>(text[at + 1]);
    if (first == 0xC2 && second >= 0x80 && second < 0xA0) return true;
  }
  return control;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string shown = nucleus::cli::printable(text);
  if (steers(shown) || shown.find('\n') != std::string::npos || shown.size() < text.size())
    std::abort();
  if (nucleus::cli::printable(shown) != shown) std::abort();
  nucleus::spec::Outcome outcome;
  outcome.notes = {text};
  const std::string line = nucleus::cli::outcome_json(outcome);
  if (steers(line) || line.find('\n') != line.size() - 1) std::abort();
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_discarded() || json["notes"].size() != 1) std::abort();
  // What was UTF-8 comes back as it was; the rest with replacement characters.
  const std::string back = json["notes"][0];
  if (back.find("\xEF\xBF\xBD") == std::string::npos && back != text) std::abort();
  return 0;
}
