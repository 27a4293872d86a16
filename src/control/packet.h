// Texts and descriptors between a supervisor and who asks it: one SOCK_SEQPACKET message each.
// unix(7), SCM_RIGHTS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::control {

/// What fits into one message; longer ones are refused by their sender.
inline constexpr std::size_t kMostBytes = 128U << 10;
inline constexpr std::size_t kMostFds = 16;

struct Packet {
  std::string text;
  std::vector<sys::UniqueFd> fds;
};

[[nodiscard]] Result<> send_packet(int socket, const std::string& text,
                                   const std::vector<int>& fds = {});

/// Nothing at the end of the conversation. On a non-blocking socket EAGAIN is an error of that
/// number.
[[nodiscard]] Result<std::optional<Packet>> receive_packet(int socket);

/// An error as text, and back.
[[nodiscard]] std::string error_text(const Error& error);

/// {"error": {...}} becomes that error; anything else comes back as it is.
[[nodiscard]] Result<std::string> answer_of(std::string text);

}  // namespace nucleus::control
