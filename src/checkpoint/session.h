// One request to CRIU by its RPC: `criu swrk` on the other end of a socket, which asks back at each
// step, and what was wrong by its own log.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

#include "base/error.h"
#include "checkpoint/criu.h"
#include "checkpoint/rpc.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {

/// A step that CRIU has come to, and the descriptor that came with it ("orphan-pts-master").
struct Step {
  std::string name;
  pid_t pid = 0;
  sys::UniqueFd fd = {};
};

/// What is to be done at a step. An error makes CRIU undo what it has done, and is the session's.
using OnStep = std::function<Result<>(Step)>;

/// The first of `given` is descriptor 4 of CRIU's, as RpcOptions::inherit_fds name them.
inline constexpr int kFirstGivenFd = 4;

/// Asks, and waits for the answer and for the end of CRIU. With `on_step` it is not killed with
/// this process: then the socket ends, and it lets what it has stopped go on. With a `log_file` the
/// reason of a failure is read from there, in the directory `work_dir_fd`, which is said as
/// `work_dir`. Errors: what OnStep said; ETIMEDOUT, when nothing was heard for `patience`, and CRIU
/// was killed; CRIU's errno and reason.
[[nodiscard]] Result<RpcAnswer> ask_criu(const Criu& criu, RpcType type, RpcOptions options,
                                         const std::string& work_dir, const OnStep& on_step,
                                         std::span<const int> given,
                                         std::chrono::milliseconds patience);

}  // namespace nucleus::checkpoint
