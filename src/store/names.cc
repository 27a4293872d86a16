#include "store/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "sys/file.h"

namespace nucleus::store {
namespace {

// All changes of names happen under one lock: two starters that both find a dead holder must not
// undo each other.
Result<sys::UniqueFd> lock_names(const std::string& root) {
  const std::string path = root + "/by-name";
  sys::UniqueFd fd = NUCLEUS_TRY(sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  while (::flock(fd.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "lock", path);
  }
  return fd;
}

}  // namespace

std::string name_holder(const std::string& root, const std::string& name) {
  char text[64];
  const std::string path = root + "/by-name/" + name;
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

Result<> take_name(const std::string& root, const std::string& name, const std::string& id,
                   const std::function<bool(const std::string& holder)>& alive) {
  const auto lock = NUCLEUS_TRY(lock_names(root));
  const std::string path = root + "/by-name/" + name;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::symlink(id.c_str(), path.c_str()) == 0) return {};
    if (errno != EEXIST) return fail(Kind::runtime, errno, "take the name", path);
    const std::string holder = name_holder(root, name);
    if (!holder.empty() && alive(holder)) {
      return fail(Kind::runtime, EEXIST, "take the name", name,
                  "the container " + holder + " has it: remove that one, or choose another --name");
    }
    ::unlink(path.c_str());
  }
  return fail(Kind::runtime, EEXIST, "take the name", name, "choose another --name");
}

Result<> drop_stale_names(const std::string& root,
                          const std::function<bool(const std::string& holder)>& kept) {
  const auto lock = NUCLEUS_TRY(lock_names(root));
  const std::string directory = root + "/by-name";
  const std::unique_ptr<DIR, int (*)(DIR*)> names(::opendir(directory.c_str()), &::closedir);
  if (!names) return fail(Kind::runtime, errno, "list the names in", directory);
  while (const dirent* const entry = ::readdir(names.get())) {
    const std::string holder = name_holder(root, entry->d_name);
    if (!holder.empty() && !kept(holder)) ::unlink((directory + "/" + entry->d_name).c_str());
  }
  return {};
}

bool is_kept(const std::string& root, const std::string& id) {
  return ::access((root + "/containers/" + id).c_str(), F_OK) == 0 ||
         ::access((root + "/containers/." + id).c_str(), F_OK) == 0;
}

void drop_name(const std::string& root, const std::string& name, const std::string& id) {
  const auto lock = lock_names(root);
  const std::string path = root + "/by-name/" + name;
  if (lock && name_holder(root, name) == id) ::unlink(path.c_str());
}

}  // namespace nucleus::store
