// Asking the supervisor of a container: the socket in its directory.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "control/packet.h"
#include "sys/unique_fd.h"
#include "sys/unix_address.h"

namespace nucleus::control {

/// The name of the socket in a container's directory.
inline constexpr const char* kSocketName = "control.sock";

/// Its address, by a descriptor of that directory: a path may be longer than an address.
[[nodiscard]] sys::UnixAddress socket_in(int directory);

/// Errors: Kind::usage when nobody supervises it (any more).
[[nodiscard]] Result<sys::UniqueFd> connect_to(const std::string& directory);

/// Says one thing and waits for its answer: a JSON object. Errors: those of the supervisor as well.
[[nodiscard]] Result<std::string> ask(int socket, const std::string& text,
                                      const std::vector<int>& fds = {});

/// An error from before the first answer: a supervisor that was just about to end when it was
/// reached is one that does not run, as connect_to() says it. Other errors stay as they are.
[[nodiscard]] Error before_first_answer(const Error& error, const std::string& directory);

/// Waits for the next answer.
[[nodiscard]] Result<Packet> await_answer(int socket);

}  // namespace nucleus::control
