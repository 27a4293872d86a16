#include "sys/inherited.h"

#include <fcntl.h>

#include <cerrno>
#include <string>

namespace nucleus::sys {

Result<> claim_inherited(unsigned count) {
  const int end = kFirstInherited + static_cast<int>(count);
  for (int fd = kFirstInherited; fd < end; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) {
      return fail(Kind::usage, EBADF, "hand on the descriptor", std::to_string(fd),
                  "whoever started nucleus has not left it open");
    }
  }
  for (int fd = kFirstInherited; fd < end; ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
      return fail(Kind::runtime, errno, "hand on the descriptor", std::to_string(fd));
  }
  return {};
}

}  // namespace nucleus::sys
