#include "supervisor/control_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "control/client.h"

namespace nucleus::supervisor {
namespace {

constexpr std::size_t kMostClients = 512;

}  // namespace

ControlServer::~ControlServer() {
  loop_.unwatch(watch_);
  for (const auto& [id, client] : clients_) loop_.unwatch(client.watch);
  if (fd_.valid()) ::unlinkat(directory_.get(), control::kSocketName, 0);
}

Result<> ControlServer::listen(int directory) {
  directory_.reset(::fcntl(directory, F_DUPFD_CLOEXEC, 3));
  if (!directory_.valid()) return fail(Kind::runtime, errno, "open", "the container's directory");
  const auto address = control::socket_in(directory);
  // What a supervisor that was killed has left.
  ::unlinkat(directory, control::kSocketName, 0);
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool bound = fd.valid() && ::bind(fd.get(), address.get(), address.size()) == 0;
  const int why = errno;
  ::umask(before);
  if (!bound || ::listen(fd.get(), 64) < 0)
    return fail(Kind::runtime, bound ? errno : why, "make", "the container's control socket");
  fd_ = std::move(fd);
  watch_ = loop_.watch(fd_.get(), POLLIN, [this](short) { accept(); });
  return {};
}

void ControlServer::accept() {
  sys::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || (peer.uid != 0 && peer.uid != owner_)) {
    (void)control::send_packet(fd.get(), control::error_text(fail(Kind::usage, EPERM, "talk to",
                                                                  "the container's supervisor",
                                                                  "only root and its creator may")
                                                                 .error()));
    return;
  }
  if (clients_.size() >= kMostClients) {
    (void)control::send_packet(
        fd.get(), control::error_text(fail(Kind::runtime, EAGAIN, "talk to",
                                           "the container's supervisor", "it has too many clients")
                                          .error()));
    return;
  }
  const ClientId id = ++last_;
  const int number = fd.get();
  Client& client = clients_[id];
  client.fd = std::move(fd);
  client.peer = peer;
  client.watch = loop_.watch(number, POLLIN, [this, id](short) { hear(id); });
}

void ControlServer::hear(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  auto packet = control::receive_packet(found->second.fd.get());
  if (!packet && packet.error().errnum == EAGAIN) return;
  if (!packet || !*packet) {
    close(id);
    events_.gone(id);
    return;
  }
  events_.heard(id, std::move(**packet));
}

void ControlServer::answer(ClientId client, const std::string& text, const std::vector<int>& fds) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  if (control::send_packet(found->second.fd.get(), text, fds)) return;
  // Told from the loop, never from within what is being answered.
  loop_.unwatch(found->second.watch);
  found->second.watch = 0;
  loop_.after(std::chrono::milliseconds(0), [this, client] {
    if (!has(client)) return;
    close(client);
    events_.gone(client);
  });
}

void ControlServer::refuse(ClientId client, const Error& error) {
  answer(client, control::error_text(error));
}

void ControlServer::forget() {
  for (const auto& [id, client] : clients_) loop_.unwatch(client.watch);
  clients_.clear();
}

void ControlServer::close(ClientId client) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  loop_.unwatch(found->second.watch);
  clients_.erase(found);
}

ucred ControlServer::peer(ClientId client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? ucred{} : found->second.peer;
}

}  // namespace nucleus::supervisor
