// One message of a socket that keeps them apart, with the descriptors that come along.
//
// Source: unix(7), SOCK_SEQPACKET and SCM_RIGHTS.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::sys {

/// What the kernel takes along with one message.
inline constexpr std::size_t kMostFds = 253;

/// Sends all of `bytes` as one message. `peer` reads after "cannot talk to". Errors: EPIPE, it is
/// gone (without SIGPIPE); EINVAL, more than kMostFds.
[[nodiscard]] Result<> send_message(int socket, std::string_view bytes, std::span<const int> fds,
                                    const std::string& peer);

struct Received {
  std::size_t size = 0;  // of the message, in the caller's buffer
  std::vector<UniqueFd> fds = {};
};

/// Waits for one message and puts it into `room`. Nothing: the peer's end; what it said before,
/// also without having read all of ours, comes first. Errors: EMSGSIZE, there was more than `room`,
/// or more than `most_fds`.
[[nodiscard]] Result<std::optional<Received>> receive_message(int socket, std::span<char> room,
                                                              std::size_t most_fds,
                                                              const std::string& peer);

}  // namespace nucleus::sys
