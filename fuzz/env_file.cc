// --env-file: what is taken is NAME or NAME=VALUE, in one line each, and names no blank or NUL.
#include "spec/env_file.h"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto items = nucleus::spec::parse_env_file("file", text);
  if (!items) {
    if (items.error().kind != nucleus::Kind::usage || items.error().hint.empty()) std::abort();
    return 0;
  }
  for (const std::string& item : *items) {
    const std::string name = item.substr(0, item.find('='));
    if (name.empty() || name.find_first_of(" \t\n") != std::string::npos) std::abort();
    if (item.find('\0') != std::string::npos || item.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
