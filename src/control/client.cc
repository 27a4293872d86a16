#include "control/client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "sys/file.h"

namespace nucleus::control {
namespace {

std::string container_of(const std::string& directory) {
  return directory.substr(directory.rfind('/') + 1);
}

Error not_running(const std::string& directory) {
  return fail(Kind::usage, ESRCH, "reach the supervisor of the container", container_of(directory),
              "it does not run (any more): nucleus ps --all tells")
      .error();
}

}  // namespace

Error before_first_answer(const Error& error, const std::string& directory) {
  const bool ended = error.errnum == ECONNRESET || error.errnum == EPIPE;
  return ended ? not_running(directory) : error;
}

sys::UnixAddress socket_in(int directory) {
  return *sys::UnixAddress::at("/proc/self/fd/" + std::to_string(directory) + "/" + kSocketName);
}

Result<sys::UniqueFd> connect_to(const std::string& directory) {
  const auto place =
      NUCLEUS_TRY(sys::open_at(AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0, "open the container"));
  const auto address = socket_in(place.get());
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail(Kind::runtime, errno, "make", "a control socket");
  if (::connect(fd.get(), address.get(), address.size()) < 0) {
    const int why = errno;
    if (why == ENOENT || why == ECONNREFUSED) return std::unexpected(not_running(directory));
    return fail(Kind::runtime, why, "reach the supervisor of the container",
                container_of(directory), "only root and its creator may");
  }
  return fd;
}

Result<Packet> await_answer(int socket) {
  auto packet = NUCLEUS_TRY(receive_packet(socket));
  if (!packet) {
    return fail(
        Kind::usage, ECONNRESET, "hear from", "the container's supervisor",
        "it has ended, so that the container does not run (any more): nucleus inspect tells "
        "what is known");
  }
  packet->text = NUCLEUS_TRY(answer_of(std::move(packet->text)));
  return std::move(*packet);
}

Result<std::string> ask(int socket, const std::string& text, const std::vector<int>& fds) {
  NUCLEUS_CHECK(send_packet(socket, text, fds));
  return NUCLEUS_TRY(await_answer(socket)).text;
}

}  // namespace nucleus::control
