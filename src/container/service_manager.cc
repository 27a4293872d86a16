#include "container/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace nucleus::container {

Result<ServiceManager> ServiceManager::open(const std::string& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const bool abstract = address.starts_with('@');
  if ((!abstract && !address.starts_with('/')) || address.size() < 2 ||
      address.size() >= sizeof name.sun_path) {
    return fail(Kind::usage, 0, "take --sd-notify with the NOTIFY_SOCKET", address,
                "it is neither an absolute path of at most 107 letters nor @NAME");
  }
  std::ranges::copy(address, name.sun_path);
  if (abstract) name.sun_path[0] = '\0';
  // The name of an abstract one has no end but its length: unix(7).
  const std::size_t size = offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0U : 1U);
  ServiceManager manager;
  manager.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  if (!manager.valid() ||
      ::setsockopt(manager.socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) <
          0 ||
      ::connect(manager.socket_.get(), reinterpret_cast<const sockaddr*>(&name),
                static_cast<socklen_t>(size)) < 0) {
    return fail(Kind::runtime, errno, "reach the service manager at the NOTIFY_SOCKET", address,
                "leave --sd-notify out, or start nucleus from a unit with Type=notify");
  }
  return manager;
}

Result<> ServiceManager::tell(const std::string& lines) const {
  while (::send(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EINTR)
      return fail(Kind::runtime, errno, "tell the service manager",
                  lines.substr(0, lines.find('\n')));
  }
  return {};
}

}  // namespace nucleus::container
