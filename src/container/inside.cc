#include "container/inside.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "sys/file.h"

namespace nucleus::container {

Result<std::string> read_inside(pid_t pid, const char* file) {
  const auto root = NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/root",
                                             O_PATH | O_DIRECTORY, 0, "open"));
  const auto fd = sys::open_in_root(root.get(), file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd && fd.error().errnum == ENOENT) return std::string();
  if (!fd) return std::unexpected(fd.error());
  struct stat info{};
  if (::fstat(fd->get(), &info) < 0 || !S_ISREG(info.st_mode))
    return fail(Kind::runtime, 0, "read the container's", file, "it is no regular file");
  return sys::read_all(fd->get(), file, 16U << 20);
}

}  // namespace nucleus::container
