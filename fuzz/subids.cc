// /etc/subuid: a range that is taken never wraps.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "isolation/id_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const nucleus::isolation::Caller caller{.uid = 1000, .gid = 1000, .user_name = "user"};
  for (const auto& range : nucleus::isolation::parse_subids(text, caller)) {
    if (range.count == 0 || range.outside > UINT32_MAX - range.count) std::abort();
  }
  return 0;
}
