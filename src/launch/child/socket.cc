// The socket at which the workload tells of itself: made inside, where its path is, and read
// outside.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>

#include "launch/child/child.h"
#include "sys/raw.h"

namespace nucleus::launch::child {

namespace raw = sys::raw;

long offer_socket(const Script& script, long directory, const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::size_t size = 0;
  for (; name[size] != '\0'; ++size) {
    if (size + 1 >= sizeof address.sun_path) return -ENAMETOOLONG;
    address.sun_path[size] = name[size];
  }
  // A path in an address begins at the working directory, which the steps do not need.
  const long moved = raw::call(__NR_fchdir, directory);
  if (moved < 0) return moved;
  const long socket = raw::call(__NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return socket;
  // For every user inside: the umask is 0 while the root is built.
  long result = raw::call(__NR_bind, socket, raw::address(&address),
                          static_cast<long>(offsetof(sockaddr_un, sun_path) + size + 1));
  if (result >= 0) {
    Message message{};
    message.kind = MessageKind::notices;
    result = send(script, message, static_cast<int>(socket));
  }
  raw::call(__NR_close, socket);
  return result < 0 ? result : 0;
}

}  // namespace nucleus::launch::child
