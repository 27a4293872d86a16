#include "container/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "sys/unix_address.h"

namespace nucleus::container {

Result<ServiceManager> ServiceManager::open(const std::string& address) {
  const bool abstract = address.starts_with('@');
  const bool known = abstract || address.starts_with('/');
  const auto name =
      abstract ? sys::UnixAddress::abstract(address.substr(1)) : sys::UnixAddress::at(address);
  if (!known || !name) {
    return fail(Kind::usage, 0, "take --sd-notify with the NOTIFY_SOCKET", address,
                "it is neither an absolute path of at most 107 letters nor @NAME");
  }
  ServiceManager manager;
  manager.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  if (!manager.valid() ||
      ::setsockopt(manager.socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) <
          0 ||
      ::connect(manager.socket_.get(), name->get(), name->size()) < 0) {
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
