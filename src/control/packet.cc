#include "control/packet.h"

#include <cerrno>
#include <utility>

#include "base/json_fields.h"
#include "sys/message.h"

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
  return sys::send_message(socket, text, fds, kPeer);
}

Result<std::optional<Packet>> receive_packet(int socket) {
  Packet packet;
  packet.text.resize(kMostBytes);
  auto received = NUCLEUS_TRY(sys::receive_message(socket, packet.text, kMostFds, kPeer));
  if (!received) return std::optional<Packet>();
  packet.fds = std::move(received->fds);
  packet.text.resize(received->size);
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
