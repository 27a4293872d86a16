#include "support/datagrams.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace nucleus::test {

Datagrams::~Datagrams() {
  if (socket_ >= 0) ::close(socket_);
}

void Datagrams::listen(const std::string& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ASSERT_LT(address.size(), sizeof name.sun_path);
  std::ranges::copy(address, name.sun_path);
  const bool abstract = address.starts_with('@');
  if (abstract) name.sun_path[0] = '\0';
  const std::size_t size = offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1);
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)),
            0);
  if (!abstract) {
    ASSERT_EQ(::chmod(address.c_str(), 0777), 0);
  }
}

std::string Datagrams::hear() const {
  const timeval minute{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  std::vector<char> buffer(70000);
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
}

bool Datagrams::silent() const {
  char byte = 0;
  return ::recv(socket_, &byte, 1, MSG_DONTWAIT) < 0;
}

}  // namespace nucleus::test
