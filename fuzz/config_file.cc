// Configuration files: whatever is in one is either refused with its place or taken as flags.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config_file.h"
#include "config/run_options.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto file = nucleus::config::parse_config_file("/c.toml", text);
  if (!file) {
    if (file.error().text().find("/c.toml") == std::string::npos) std::abort();
    return 0;
  }
  for (const auto& option : nucleus::config::run_options()) {
    if (!option.in_file && !nucleus::config::values_of(option, file->defaults).empty())
      std::abort();
  }
  return 0;
}
