// Sizes, quotas, durations and numbers as flags give them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/units.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = nucleus::ByteSize::parse("--x", text)) {
    if (bytes->bytes > INT64_MAX) std::abort();
  }
  if (const auto quota = nucleus::CpuQuota::parse("--x", text)) {
    if (quota->quota_usec < 1000) std::abort();
  }
  if (const auto duration = nucleus::parse_duration("--x", text)) {
    if (duration->count() < 0) std::abort();
  }
  if (const auto number = nucleus::parse_number("--x", text, 3, 100)) {
    if (*number < 3 || *number > 100) std::abort();
  }
  return 0;
}
