// The control socket of one container: who may ask, what they said, what they are answered.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/packet.h"
#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {

class ControlServer {
 public:
  using ClientId = std::uint64_t;

  struct Events {
    std::function<void(ClientId, control::Packet)> heard;
    std::function<void(ClientId)> gone;  // whatever was begun for it has nobody any more
  };

  ControlServer(sys::EventLoop& loop, std::uint32_t owner, Events events)
      : loop_(loop), owner_(owner), events_(std::move(events)) {}
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  /// Makes the socket in a container's directory (a descriptor), mode 0600.
  /// Only root and the owner are heard: unix(7), SO_PEERCRED.
  [[nodiscard]] Result<> listen(int directory);

  /// A client that does not take its answer is dropped: nobody waits for it.
  void answer(ClientId client, const std::string& text, const std::vector<int>& fds = {});
  void refuse(ClientId client, const Error& error);

  /// Drops every client, and tells nobody: another process goes on with them.
  void forget();

  /// Ends the conversation.
  void close(ClientId client);

  [[nodiscard]] ucred peer(ClientId client) const;
  [[nodiscard]] bool has(ClientId client) const { return clients_.contains(client); }

 private:
  struct Client {
    sys::UniqueFd fd;
    sys::EventLoop::Id watch = 0;
    ucred peer{};
  };
  void accept();
  void hear(ClientId id);

  sys::EventLoop& loop_;
  std::uint32_t owner_;
  Events events_;
  sys::UniqueFd directory_;
  sys::UniqueFd fd_;
  sys::EventLoop::Id watch_ = 0;
  std::map<ClientId, Client> clients_;
  ClientId last_ = 0;
};

}  // namespace nucleus::supervisor
