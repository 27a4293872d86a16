// --context-include: patterns, one a line, the last line is a file's name.
#include "filesystem/name_filter.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines(1);
  for (std::size_t at = 0; at < size; ++at) {
    if (data[at] == '\n') {
      lines.emplace_back();
    } else if (data[at] != 0) {
      lines.back() += static_cast<char>(data[at]);
    }
  }
  const std::string name = lines.back().substr(0, 255);
  lines.pop_back();
  const nucleus::filesystem::NameFilter plain;
  const nucleus::filesystem::NameFilter more(lines);
  // A pattern takes names in; it never leaves one out.
  if (plain.lets_through(name) && !more.lets_through(name)) std::abort();
  if (lines.empty() && more.lets_through(name) != plain.lets_through(name)) std::abort();
  if (more.lets_all_through() && !more.lets_through(name)) std::abort();
  return 0;
}
