#include "control/packet.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/json_fields.h"

namespace nucleus {

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Error>
void fields(F& f, V& v) {
  f("kind", v.kind), f("errno", v.errnum), f("op", v.op), f("subject", v.subject);
  f("hint", v.hint), f("trail", v.trail);
}

}  // namespace nucleus

namespace nucleus::control {
namespace {

constexpr const char* kPeer = "the other end of the control socket";

}  // namespace

Result<> send_packet(int socket, const std::string& text, const std::vector<int>& fds) {
  if (text.size() > kMostBytes || fds.size() > kMostFds)
    return fail(Kind::usage, EMSGSIZE, "send a message to", kPeer, "say less at once");
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    const std::size_t bytes = fds.size() * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(item), fds.data(), bytes);
  }
  while (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "talk to", kPeer);
  }
  return {};
}

Result<std::optional<Packet>> receive_packet(int socket) {
  Packet packet;
  packet.text.resize(kMostBytes);
  iovec part{.iov_base = packet.text.data(), .iov_len = packet.text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    // A peer that has closed with our words unread is told as ECONNRESET, once, before the words of
    // its that are still to be read.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) return fail(Kind::runtime, errno, "hear from", kPeer);
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(item) + index * sizeof number, sizeof number);
      packet.fds.emplace_back(number);
    }
  }
  if (got == 0) return std::optional<Packet>();
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return fail(Kind::runtime, EMSGSIZE, "understand", kPeer);
  packet.text.resize(static_cast<std::size_t>(got));
  packet.text.shrink_to_fit();
  return packet;
}

std::string error_text(const Error& error) {
  json::Json object;
  object["error"] = json::write(error);
  return json::dump(object);
}

Result<std::string> answer_of(std::string text) {
  const json::Json object = NUCLEUS_TRY(json::parse(text, kPeer));
  if (!object.is_object() || !object.contains("error")) return text;
  return std::unexpected(NUCLEUS_TRY(json::read<Error>(object["error"], kPeer)));
}

}  // namespace nucleus::control
