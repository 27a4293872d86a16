// Inside of the room: how CRIU becomes a process.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/criu.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {

struct CriuProcess {
  sys::Child child;
  sys::UniqueFd output;  // what it prints; its end comes with that of the process
};

inline constexpr int kCriuNotExecuted = 127;

/// Starts it with these words, PATH alone as its environment, in /, its output in a pipe, and
/// `given` as its descriptors from 3 on. Killed with this process if `dies_with_us`.
Result<CriuProcess> start_criu(const Criu& criu, const std::vector<std::string>& words,
                               std::span<const int> given, bool dies_with_us);

/// It ended with kCriuNotExecuted and printed nothing.
[[nodiscard]] std::unexpected<Error> not_executed(const Criu& criu);

/// Takes what there is to read, keeping the last 256 KiB. False: its end.
[[nodiscard]] bool take_output(int from, std::string& output);

}  // namespace nucleus::checkpoint
