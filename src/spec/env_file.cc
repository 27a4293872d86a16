#include "spec/env_file.h"

namespace nucleus::spec {

Result<std::vector<std::string>> parse_env_file(const std::string& path, const std::string& text) {
  std::vector<std::string> items;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line[begin] == '#') continue;
    line.erase(0, begin);
    const std::string name = line.substr(0, line.find('='));
    if (name.empty() || name.find_first_of(" \t") != std::string::npos ||
        line.find('\0') != std::string::npos) {
      return fail(Kind::usage, 0, "read --env-file", path + ":" + std::to_string(number),
                  "a line is NAME=VALUE, or NAME to pass on your own value");
    }
    items.push_back(std::move(line));
  }
  return items;
}

}  // namespace nucleus::spec
