// /etc/passwd and /etc/group of a rootfs: the first line is whom to look for.
#include "spec/accounts.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t line = all.find('\n');
  const std::string_view wanted = all.substr(0, line);
  const std::string_view text = line == std::string_view::npos ? "" : all.substr(line + 1);
  if (const auto user = nucleus::spec::find_user(text, wanted)) {
    // 2^32 - 1 means "no change" to the kernel, and so would leave the ids of the caller.
    if (user->uid == UINT32_MAX || user->gid == UINT32_MAX) std::abort();
    if (user->home.find('\n') != std::string::npos) std::abort();
  }
  if (const auto group = nucleus::spec::find_group(text, wanted)) {
    if (*group == UINT32_MAX) std::abort();
  }
  return 0;
}
