// The workload's own number in its environment: sd_listen_fds(3). Child-safe and freestanding.
#pragma once

#include "sys/raw.h"

namespace nucleus::launch::child {

/// Puts the number of the calling process into "LISTEN_PID=??????????", if `envp` has that. The
/// string must be writable, the array ends with a null pointer.
inline void write_listen_pid(const char* const* envp) {
  static constexpr char kName[] = "LISTEN_PID=?";
  for (; *envp != nullptr; ++envp) {
    const char* const text = *envp;
    unsigned at = 0;
    while (at + 1 < sizeof kName && text[at] == kName[at]) ++at;
    if (at + 1 != sizeof kName) continue;
    char digits[10];
    unsigned count = 0;
    for (long pid = sys::raw::call(__NR_getpid); pid > 0 && count < sizeof digits; pid /= 10)
      digits[count++] = static_cast<char>('0' + pid % 10);
    auto* to = const_cast<char*>(text) + at - 1;
    while (count > 0) *to++ = digits[--count];
    *to = '\0';
    return;
  }
}

}  // namespace nucleus::launch::child
