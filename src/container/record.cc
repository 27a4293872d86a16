#include "container/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "container/private_directory.h"
#include "resources/cgroup.h"
#include "store/names.h"
#include "store/store.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

std::string state(const std::string& root, const std::string& id) { return root + "/state/" + id; }

// The lock of a record, when nobody holds it and it is still the one of that name.
sys::UniqueFd try_lock(const std::string& path) {
  sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0 || ::fstat(fd.get(), &info) < 0 ||
      info.st_nlink == 0 || !S_ISREG(info.st_mode))
    return {};
  return fd;
}

constexpr std::string_view kPrivate = "private ";

// With the record's lock held: its nucleus is dead, and nobody else clears it.
bool clear(const std::string& root, const std::string& id) {
  const std::string path = state(root, id);
  if (const auto text = sys::read_file_at(AT_FDCWD, path)) {
    bool all = true;
    const std::vector<std::string> cgroups = recorded_cgroups(*text, id);
    // What is frozen on v1 does not even die.
    for (const std::string& cgroup : cgroups) resources::thaw_cgroup(cgroup);
    for (const std::string& cgroup : cgroups) all = resources::reclaim_cgroup(cgroup) && all;
    const std::string directory = recorded_directory(*text, id);
    if (!directory.empty()) all = remove_tree(directory) && all;
    if (!all) return false;
  }
  ::unlink(path.c_str());
  return true;
}

// Somebody who clears up may come between the making of a record and its lock, and take it for a
// dead one: it is made again then.
Result<sys::UniqueFd> make_locked(const std::string& path) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto made = sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600,
                             "create the record");
    if (!made) {
      return std::unexpected(with_hint(std::move(made.error()),
                                       "name a directory that can be written to by --root DIR"));
    }
    sys::UniqueFd fd = std::move(*made);
    while (::flock(fd.get(), LOCK_EX) < 0) {
      if (errno != EINTR) {
        const int code = errno;
        ::unlink(path.c_str());
        return fail(Kind::runtime, code, "lock the record", path);
      }
    }
    struct stat info{};
    if (::fstat(fd.get(), &info) == 0 && info.st_nlink > 0) return fd;
  }
  return fail(Kind::runtime, EBUSY, "create the record", path,
              "something else removes files there: give nucleus a directory of its own by --root");
}

// A record is made before its name is taken and removed after it, in the store as well.
bool is_kept(const std::string& root, const std::string& holder) {
  return ::access(state(root, holder).c_str(), F_OK) == 0 || store::is_kept(root, holder);
}

// A name is in use while its container runs, or is kept by the store.
bool in_use(const std::string& root, const std::string& holder) {
  if (store::is_kept(root, holder)) return true;
  const std::string record = state(root, holder);
  if (::access(record.c_str(), F_OK) < 0) return false;
  const sys::UniqueFd dead = try_lock(record);
  if (!dead.valid()) return true;
  clear(root, holder);
  return false;
}

// An earlier run of the same container, whose supervisor was killed, has left one: it is cleared
// away first, or somebody else is at it.
Result<sys::UniqueFd> make_instead_of_dead(const std::string& root, const std::string& id) {
  constexpr int kAttempts = 5000;
  for (int attempt = 0;; ++attempt) {
    auto made = make_locked(state(root, id));
    if (made || made.error().errnum != EEXIST || attempt == kAttempts) return made;
    const sys::UniqueFd dead = try_lock(state(root, id));
    if (dead.valid() && !clear(root, id)) {
      return fail(Kind::runtime, EBUSY, "clear away what the last run left of", id,
                  "nucleus prune tries again");
    }
    if (!dead.valid()) ::usleep(1000);
  }
}

}  // namespace

std::string new_id() {
  unsigned char bytes[8] = {};
  // Eight bytes never come short, and block only in the first moments of a machine's life.
  while (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
  }
  std::string id;
  for (const unsigned char byte : bytes) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

std::string cgroup_name(const std::string& id) { return "nucleus-" + id; }

namespace {

// The record lists paths; only those that can be a container's own are ever touched.
bool is_own(const std::string& path, const std::string& id) {
  return path.starts_with('/') && path.ends_with("/" + cgroup_name(id)) &&
         path.find("/../") == std::string::npos && path.find('\0') == std::string::npos;
}

template <typename Use>
void each_line(const std::string& text, Use&& use) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    use(text.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

std::vector<std::string> recorded_cgroups(const std::string& text, const std::string& id) {
  std::vector<std::string> paths;
  each_line(text, [&](std::string path) {
    if (is_own(path, id)) paths.push_back(std::move(path));
  });
  return paths;
}

std::string recorded_directory(const std::string& text, const std::string& id) {
  std::string found;
  each_line(text, [&](const std::string& line) {
    if (line.starts_with(kPrivate) && is_own(line.substr(kPrivate.size()), id))
      found = line.substr(kPrivate.size());
  });
  return found;
}

Record& Record::operator=(Record&& other) noexcept {
  if (this == &other) return *this;
  remove();
  root_ = std::move(other.root_);
  id_ = std::move(other.id_);
  name_ = std::move(other.name_);
  lock_ = std::move(other.lock_);
  return *this;
}

Result<Record> Record::create(const std::string& root, const std::string& id,
                              const std::string& name, const std::vector<std::string>& cgroups,
                              const std::string& private_directory) {
  Record record;
  record.lock_ = NUCLEUS_TRY(make_instead_of_dead(root, id));
  record.root_ = root;
  record.id_ = id;  // from here on its destructor removes it
  std::string text;
  for (const std::string& path : cgroups) text += path + "\n";
  if (!private_directory.empty()) text.append(kPrivate).append(private_directory).append("\n");
  if (!text.empty()) NUCLEUS_CHECK(sys::write_all(record.lock_.get(), text, state(root, id)));
  if (!name.empty()) {
    store::Store(root).free_name(name);
    NUCLEUS_CHECK(store::take_name(
        root, name, id, [&](const std::string& holder) { return in_use(root, holder); }));
    record.name_ = name;
  }
  return record;
}

void Record::remove() {
  if (!lock_.valid() || id_.empty()) return;
  if (!name_.empty()) store::drop_name(root_, name_, id_);
  ::unlink(state(root_, id_).c_str());
  lock_.reset();
  id_.clear();
}

void Record::abandon() {
  id_.clear();
  lock_.reset();
}

std::size_t reclaim_dead(const std::string& root, std::size_t most) {
  const std::unique_ptr<DIR, int (*)(DIR*)> records(::opendir((root + "/state").c_str()),
                                                    &::closedir);
  if (!records) return 0;
  std::size_t cleared = 0;
  while (most > 0) {
    const dirent* const entry = ::readdir(records.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    --most;
    const sys::UniqueFd lock = try_lock(state(root, name));
    if (lock.valid() && clear(root, name)) ++cleared;
  }
  return cleared;
}

Result<> reclaim_names(const std::string& root) {
  return store::drop_stale_names(root,
                                 [&](const std::string& holder) { return is_kept(root, holder); });
}

}  // namespace nucleus::container
