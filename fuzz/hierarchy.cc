// /proc/self/mountinfo and /proc/self/cgroup, one behind the other with a line "--" between.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "resources/hierarchy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t border = text.find("\n--\n");
  const std::string mounts = text.substr(0, border);
  const std::string cgroup = border == std::string::npos ? "" : text.substr(border + 4);
  const auto hierarchy = nucleus::resources::parse_hierarchy(mounts, cgroup);
  for (const auto& [controller, mounted] : hierarchy.v1) {
    if (controller.empty() || !mounted.own.starts_with(mounted.mount)) std::abort();
  }
  return 0;
}
