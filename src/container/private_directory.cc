#include "container/private_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "sys/file.h"

namespace nucleus::container {
namespace {

// A tree that is deeper is brought up level by level: a workload must not be able to use up our
// descriptors.
constexpr int kMostDepth = 32;

Result<> give(int directory, const std::string& path, const spec::Identity& owner) {
  if (::geteuid() != owner.uid && ::fchown(directory, owner.uid, owner.gid) < 0)
    return fail(Kind::runtime, errno, "give to the command", path);
  return {};
}

sys::UniqueFd open_directory(int parent, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  sys::UniqueFd fd(::openat(parent, name, kFlags));
  if (!fd.valid() && errno == EACCES) {
    // Its owner, whom we are, may have taken the right to read from itself.
    const sys::UniqueFd path(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!path.valid()) return {};
    ::chmod(("/proc/self/fd/" + std::to_string(path.get())).c_str(), 0700);
    fd.reset(::openat(parent, name, kFlags));
  }
  if (fd.valid()) ::fchmod(fd.get(), 0700);
  return fd;
}

class Remover {
 public:
  explicit Remover(int top) : top_(top) {}

  void run() {
    // Each pass may bring deeper parts up.
    do {
      raised_ = false;
      empty(top_, 0);
    } while (raised_);
  }

 private:
  void empty(int directory, int depth) {
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(own), &::closedir);
    if (!entries) {
      ::close(own);
      return;
    }
    while (const dirent* const entry = ::readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (::unlinkat(directory, name.c_str(), 0) == 0) continue;
      if (depth >= kMostDepth) {
        const std::string up = "deep-" + std::to_string(++moved_);
        raised_ = ::renameat(directory, name.c_str(), top_, up.c_str()) == 0 || raised_;
        continue;
      }
      if (const sys::UniqueFd below = open_directory(directory, name.c_str()); below.valid())
        empty(below.get(), depth + 1);
      ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
    }
  }

  int top_;
  bool raised_ = false;
  int moved_ = 0;
};

}  // namespace

Result<PrivateDirectory> PrivateDirectory::create(const std::string& path,
                                                  const spec::Identity& owner) {
  if (::mkdir(path.c_str(), 0700) < 0) {
    return fail(Kind::runtime, errno, "create the command's private directory", path,
                "TMPDIR must name a directory that you may write to");
  }
  PrivateDirectory made;
  made.path_ = path;
  auto fd = sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const auto given = fd ? give(fd->get(), path, owner) : Result<>();
  if (!fd || !given) {
    ::rmdir(path.c_str());
    return std::unexpected(!fd ? fd.error() : given.error());
  }
  made.fd_ = std::move(*fd);
  return made;
}

Result<sys::UniqueFd> PrivateDirectory::make_inside(const std::string& name,
                                                    const spec::Identity& owner) const {
  if (::mkdirat(fd_.get(), name.c_str(), 0755) < 0)
    return fail(Kind::runtime, errno, "create in the command's private directory", name);
  sys::UniqueFd fd =
      NUCLEUS_TRY(sys::open_at(fd_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  NUCLEUS_CHECK(give(fd.get(), path_ + "/" + name, owner));
  return fd;
}

Result<> PrivateDirectory::remove() {
  if (!fd_.valid()) return {};
  fd_.reset();
  if (remove_tree(path_)) return {};
  return fail(Kind::runtime, errno, "remove the command's private directory", path_);
}

bool remove_tree(const std::string& path) {
  if (const sys::UniqueFd top = open_directory(AT_FDCWD, path.c_str()); top.valid())
    Remover(top.get()).run();
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace nucleus::container
