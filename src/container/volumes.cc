#include "container/volumes.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "spec/names.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

const char* absolute(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : nullptr;
}

// Who can write here can put a link to any file of the host's in the place of a volume.
Result<> check_root(const std::string& root) {
  struct stat info{};
  if (::lstat(root.c_str(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the place of volumes", root);
  const bool good =
      S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 022) == 0;
  if (good) return {};
  return fail(Kind::runtime, EPERM, "trust the place of volumes", root,
              "it must be a directory that belongs to you and that nobody else may write to");
}

Result<std::string> usable_root() {
  std::string root = volume_root();
  if (root.empty()) {
    return fail(Kind::runtime, 0, "find the place of", "volumes",
                "set NUCLEUS_DATA_DIR, XDG_DATA_HOME or HOME to an absolute path");
  }
  return root;
}

Result<std::string> directory_of(const std::string& name) {
  if (!spec::is_plain_name(name)) {
    return fail(Kind::usage, 0, "take for a volume's name", name, spec::kPlainNameRule);
  }
  return NUCLEUS_TRY(usable_root()) + "/" + name;
}

// The lock of a volume; without a descriptor when it is not there. A directory that was removed
// while we waited for its lock is no volume any more.
Result<sys::UniqueFd> lock_directory(const std::string& directory, int mode) {
  for (;;) {
    auto fd = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                           "open the volume");
    if (!fd) {
      if (fd.error().errnum == ENOENT) return sys::UniqueFd();
      return std::unexpected(std::move(fd.error()));
    }
    while (::flock(fd->get(), mode) < 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK)
        return fail(Kind::runtime, EBUSY, "lock the volume", directory,
                    "a running container uses it");
      return fail(Kind::runtime, errno, "lock the volume", directory);
    }
    struct stat held{};
    struct stat named{};
    if (::fstat(fd->get(), &held) == 0 && ::lstat(directory.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev)
      return std::move(*fd);
  }
}

Result<VolumeInfo> look(const std::string& root, const std::string& name) {
  VolumeInfo info{.name = name, .path = root + "/" + name + "/data"};
  struct stat directory{};
  struct stat data{};
  if (::lstat((root + "/" + name).c_str(), &directory) < 0)
    return fail(Kind::runtime, errno, "find the volume", name,
                errno == ENOENT ? "nucleus volume ls shows those that are there" : "");
  if (::lstat(info.path.c_str(), &data) == 0) {
    info.uid = data.st_uid;
    info.gid = data.st_gid;
  }
  info.created = directory.st_mtim.tv_sec;
  const auto lock = lock_directory(root + "/" + name, LOCK_EX | LOCK_NB);
  info.in_use = !lock && lock.error().errnum == EBUSY;
  return info;
}

}  // namespace

std::string volume_root() {
  if (const char* const set = absolute("NUCLEUS_DATA_DIR")) return std::string(set) + "/volumes";
  if (::geteuid() == 0) return "/var/lib/nucleus/volumes";
  if (const char* const data = absolute("XDG_DATA_HOME"))
    return std::string(data) + "/nucleus/volumes";
  if (const char* const home = absolute("HOME"))
    return std::string(home) + "/.local/share/nucleus/volumes";
  return {};
}

Result<NamedVolume> NamedVolume::open(const std::string& path, bool make) {
  NamedVolume volume;
  volume.directory_ = path.substr(0, path.rfind('/'));
  const std::string root = volume.directory_.substr(0, volume.directory_.rfind('/'));
  if (make) NUCLEUS_CHECK(sys::make_directories(root, 0700));
  if (auto checked = check_root(root); !checked) {
    if (!make && checked.error().errnum == ENOENT) return volume;
    return std::unexpected(std::move(checked.error()));
  }
  for (;;) {
    if (make && ::mkdir(volume.directory_.c_str(), 0700) < 0 && errno != EEXIST)
      return fail(Kind::runtime, errno, "create the volume", volume.directory_);
    volume.lock_ = NUCLEUS_TRY(lock_directory(volume.directory_, LOCK_SH));
    if (volume.lock_.valid()) break;
    if (!make) return volume;  // else another has removed it in this moment: once more
  }
  if (make) {
    volume.fresh_ = ::mkdirat(volume.lock_.get(), "data", 0700) == 0;
    if (!volume.fresh_ && errno != EEXIST)
      return fail(Kind::runtime, errno, "create the volume", path);
  }
  auto data = sys::open_at(volume.lock_.get(), "data", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0,
                           "open the volume");
  if (data) {
    volume.data_ = std::move(*data);
  } else if (make || data.error().errnum != ENOENT) {
    data.error().subject = path;
    return std::unexpected(std::move(data.error()));
  }
  return volume;
}

NamedVolume::~NamedVolume() {
  if (!fresh_ || kept_ || !lock_.valid()) return;
  // Somebody else may use it by now, or have left something in it.
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) < 0) return;
  if (::unlinkat(lock_.get(), "data", AT_REMOVEDIR) == 0) ::rmdir(directory_.c_str());
}

Result<std::vector<VolumeInfo>> list_volumes() {
  const std::string root = NUCLEUS_TRY(usable_root());
  std::vector<VolumeInfo> list;
  std::error_code code;
  for (std::filesystem::directory_iterator at(root, code), end; !code && at != end;
       at.increment(code)) {
    const std::string name = at->path().filename();
    if (!spec::is_plain_name(name)) continue;
    auto info = look(root, name);
    if (info) list.push_back(std::move(*info));  // else it was removed meanwhile
  }
  if (code && code.value() != ENOENT)
    return fail(Kind::runtime, code.value(), "list the volumes in", root);
  std::ranges::sort(list, {}, &VolumeInfo::name);
  return list;
}

Result<VolumeInfo> find_volume(const std::string& name) {
  const std::string directory = NUCLEUS_TRY(directory_of(name));
  return look(directory.substr(0, directory.rfind('/')), name);
}

Result<> create_volume(const std::string& name) {
  const std::string directory = NUCLEUS_TRY(directory_of(name));
  auto volume = NUCLEUS_TRY(NamedVolume::open(directory + "/data", true));

  volume.keep();
  return {};
}

Result<> remove_volume(const std::string& name) {
  const std::string directory = NUCLEUS_TRY(directory_of(name));
  NUCLEUS_CHECK(find_volume(name));
  NUCLEUS_CHECK(check_root(directory.substr(0, directory.rfind('/'))));
  const auto lock = NUCLEUS_TRY(lock_directory(directory, LOCK_EX | LOCK_NB));
  if (!lock.valid()) return {};
  std::error_code code;
  // An empty one may be another id's, not to be looked into.
  (void)::unlinkat(lock.get(), "data", AT_REMOVEDIR);
  std::filesystem::remove_all(directory, code);
  if (!code) return {};
  return fail(Kind::runtime, code.value(), "remove the volume", directory,
              code.value() == EACCES || code.value() == EPERM
                  ? "files of other ids are in it: remove them as those, by nucleus run --user N "
                    "-v " +
                        name + ":/v -- find /v -mindepth 1 -delete"
                  : "");
}

}  // namespace nucleus::container
