// The record of a container that is gone: whatever is in it, only cgroups of that very container
// are touched.
#include "container/record.h"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string id = "0123456789abcdef";
  for (const std::string& path : nucleus::container::recorded_cgroups(text, id)) {
    if (!path.starts_with('/') || !path.ends_with("/" + nucleus::container::cgroup_name(id)))
      std::abort();
    if (path.find("/../") != std::string::npos ||
        path.find_first_of(std::string("\n\0", 2)) != std::string::npos)
      std::abort();
  }
  return 0;
}
