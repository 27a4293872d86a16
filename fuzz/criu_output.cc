// What CRIU prints: its version, and the lines that say what went wrong.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "checkpoint/criu.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string reason = nucleus::checkpoint::criu_reason(text);
  // It is shown on a terminal, in one piece.
  if (reason.size() > 1024) std::abort();
  for (const char c : reason) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') std::abort();
  }
  const auto version = nucleus::checkpoint::criu_version(text);
  if (version && version->text().empty()) std::abort();
  return 0;
}
