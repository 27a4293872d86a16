// The workload's own number in its environment: sd_listen_fds(3). Child-safe and freestanding.
#pragma once

#include "sys/raw.h"

namespace nucleus::launch::child {

/// Puts the number of the calling process into spec::kListenPid, if `envp` has that and nothing
/// else. The string must be writable, the array ends with a null pointer.
inline void write_listen_pid(const char* const* envp) {
  static constexpr char kWhole[] = "LISTEN_PID=??????????";
  static constexpr unsigned kName = 11;
  for (; *envp != nullptr; ++envp) {
    const char* const text = *envp;
    unsigned at = 0;
    while (at < sizeof kWhole && text[at] == kWhole[at]) ++at;
    if (at != sizeof kWhole) continue;
    char digits[sizeof kWhole - 1 - kName];
    unsigned count = 0;
    for (long pid = sys::raw::call(__NR_getpid); pid > 0 && count < sizeof digits; pid /= 10)
      digits[count++] = static_cast<char>('0' + pid % 10);
    auto* to = const_cast<char*>(text) + kName;
    while (count > 0) *to++ = digits[--count];
    *to = '\0';
    return;
  }
}

}  // namespace nucleus::launch::child
