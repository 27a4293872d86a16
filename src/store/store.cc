#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>

#include "spec/spec_json.h"
#include "store/names.h"
#include "sys/file.h"

namespace nucleus::store {
namespace {

constexpr std::size_t kShortestPrefix = 4;
constexpr std::size_t kLargest = 4U << 20;

bool is_id(const std::string& word) {
  return word.size() == 16 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_full(int errnum) { return errnum == ENOSPC || errnum == EDQUOT; }

// Says what to do where the state root takes nothing.
std::unexpected<Error> not_written(Error error) {
  const char* const cure = is_full(error.errnum)
                               ? "make room there, or name another place by --root DIR"
                               : "name a directory that can be written to by --root DIR";
  return std::unexpected(with_hint(std::move(error), cure));
}

// `place` is what the directory is called in an error. What a crash of the host leaves of one that
// is not synced may be empty.
Result<> write_whole(int directory, const std::string& place, const std::string& name,
                     const std::string& text, bool synced = true) {
  const std::string beside = "." + name + ".new";
  const std::string path = place + "/" + name;
  auto written = [&]() -> Result<> {
    const auto file = NUCLEUS_TRY(sys::open_at(
        directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, "write the record"));
    NUCLEUS_CHECK(sys::write_all(file.get(), text, path));
    if (synced && ::fsync(file.get()) < 0 && errno != EINVAL)
      return fail(Kind::runtime, errno, "write the record", path);
    if (::renameat(directory, beside.c_str(), directory, name.c_str()) < 0)
      return fail(Kind::runtime, errno, "put in place the record", path);
    return {};
  }();
  if (written) return {};
  ::unlinkat(directory, beside.c_str(), 0);
  Error error = std::move(written.error());
  error.subject = path;
  return not_written(std::move(error));
}

// For the end of a container where there is no room for another file: over the old record, which
// has its blocks, with blanks over what is left of it. What a crash in the midst of it leaves is a
// record that cannot be read, and that says so.
Result<> write_over(int directory, const std::string& name, std::string text) {
  const auto file =
      NUCLEUS_TRY(sys::open_at(directory, name, O_WRONLY | O_NOFOLLOW, 0, "write over the record"));
  struct stat old{};
  if (::fstat(file.get(), &old) < 0) return fail(Kind::runtime, errno, "look at", name);
  const auto size = static_cast<std::size_t>(old.st_size);
  if (text.size() < size) text.append(size - text.size(), ' ');
  if (::fallocate(file.get(), 0, 0, static_cast<off_t>(text.size())) < 0 && text.size() > size)
    return fail(Kind::runtime, errno, "write over the record", name);
  NUCLEUS_CHECK(sys::write_all(file.get(), text, name));
  (void)::fsync(file.get());
  return {};
}

// Whole, or an error that names it by its path.
Result<std::string> read_record(int directory, const std::string& place) {
  auto text = sys::read_file_at(directory, "record.json", kLargest);
  if (!text) text.error().subject = place + "/record.json";
  return text;
}

// The lock of a record, if nobody has it.
sys::UniqueFd try_lock(int directory) {
  sys::UniqueFd fd(::openat(directory, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid() || ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) return {};
  return fd;
}

// Whoever only looks takes the lock shared and for no longer than the look.
bool is_held(int directory) {
  const sys::UniqueFd fd(
      ::openat(directory, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return fd.valid() && ::flock(fd.get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

// Somebody must be there for it: it runs, or is to be started again.
bool is_living(const Entry& entry) {
  return (entry.status != Status::stopped && entry.status != Status::failed) ||
         entry.restart_usec.has_value();
}

bool has_ended(int directory) {
  const auto text = sys::read_file_at(directory, "record.json", kLargest);
  const auto entry =
      text ? entry_from_json(*text, "record.json") : Result<Entry>(std::unexpected(text.error()));
  return entry && !is_living(*entry);
}

}  // namespace

std::string Store::directory(const std::string& id) const { return root_ + "/containers/" + id; }

Result<> Held::write(const Entry& entry) const {
  const std::string text = to_json(entry);
  auto written = write_whole(fd_.get(), path_, "record.json", text, !entry.foreground);
  if (!written && is_full(written.error().errnum) && !is_living(entry) &&
      write_over(fd_.get(), "record.json", text)) {
    return {};
  }
  return written;
}

Result<> Held::reload() {
  const std::string text = NUCLEUS_TRY(read_record(fd_.get(), path_));
  entry_ = NUCLEUS_TRY(entry_from_json(text, path_ + "/record.json"));
  return {};
}

Result<> Held::write_spec(const spec::ContainerSpec& spec) const {
  return write_whole(fd_.get(), path_, "spec.json", spec::to_json(spec));
}

Result<> Held::check_move(Status to) const {
  if (may_become(entry_.status, to)) return {};
  return fail(Kind::runtime, 0, std::string("make the container ") + status_name(to), entry_.id,
              std::string("it is ") + status_name(entry_.status));
}

void Held::remove() {
  if (!valid()) return;
  // The directory first gets another name: nobody meets half of it.
  const std::string gone = root_ + "/containers/." + entry_.id;
  if (::rename(path_.c_str(), gone.c_str()) == 0) {
    std::error_code code;
    std::filesystem::remove_all(gone, code);
  }
  if (!entry_.name.empty()) drop_name(root_, entry_.name, entry_.id);
  lock_.reset();
  fd_.reset();
}

Result<Held> Store::create(const Entry& entry, const spec::ContainerSpec& spec) const {
  Held held;
  held.root_ = root_;
  held.path_ = directory(entry.id);
  const std::string all = root_ + "/containers";
  if (::mkdir(all.c_str(), 0700) < 0 && errno != EEXIST)
    return not_written(fail(Kind::runtime, errno, "create the directory", all).error());
  // Made under a name that no list shows, and locked before it gets its own.
  const std::string hidden = all + "/." + entry.id;
  if (::mkdir(hidden.c_str(), 0700) < 0)
    return not_written(fail(Kind::runtime, errno, "create the record", hidden).error());
  const auto made = [&]() -> Result<> {
    held.fd_ = NUCLEUS_TRY(sys::open_at(AT_FDCWD, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    held.lock_ = NUCLEUS_TRY(
        sys::open_at(held.fd_.get(), "lock", O_RDWR | O_CREAT | O_EXCL, 0600, "create the lock"));
    if (::flock(held.lock_.get(), LOCK_EX | LOCK_NB) < 0)
      return fail(Kind::runtime, errno, "lock the record", entry.id);
    NUCLEUS_CHECK(write_whole(held.fd_.get(), held.path_, "spec.json", spec::to_json(spec),
                              !entry.foreground));
    NUCLEUS_CHECK(held.write(entry));
    if (!entry.name.empty()) {
      free_name(entry.name);
      NUCLEUS_CHECK(take_name(root_, entry.name, entry.id, [&](const std::string& holder) {
        return ::access((root_ + "/state/" + holder).c_str(), F_OK) == 0 || is_kept(root_, holder);
      }));
    }
    held.entry_ = entry;
    if (::rename(hidden.c_str(), held.path_.c_str()) < 0)
      return fail(Kind::runtime, errno, "put in place the record", held.path_);
    return {};
  }();
  if (made) return held;
  std::error_code code;
  std::filesystem::remove_all(hidden, code);
  if (!held.entry_.id.empty() && !entry.name.empty()) drop_name(root_, entry.name, entry.id);
  return std::unexpected(made.error());
}

Result<Held> Store::hold(const std::string& id) const {
  Held held;
  held.root_ = root_;
  held.path_ = directory(id);
  held.fd_ = NUCLEUS_TRY(sys::open_at(AT_FDCWD, held.path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                      "open the container"));
  // Who only looks shares it, for a moment. Who has it alone is at work, and is not waited for; but
  // a supervisor whose container has ended is on its way out, and has told so before it is gone.
  constexpr int kMost = 5000;
  for (int attempt = 0; attempt < kMost; ++attempt) {
    held.lock_ = try_lock(held.fd_.get());
    if (held.lock_.valid() || (is_held(held.fd_.get()) && !has_ended(held.fd_.get()))) break;
    ::usleep(1000);
  }
  if (!held.lock_.valid()) {
    return fail(Kind::runtime, EBUSY, "take over the container", id,
                "its supervisor is at work: stop it first");
  }
  const std::string text = NUCLEUS_TRY(read_record(held.fd_.get(), held.path_));
  held.entry_ = NUCLEUS_TRY(entry_from_json(text, held.path_ + "/record.json"));
  return held;
}

Listed Store::read(const std::string& id) const {
  Listed listed;
  listed.id = id;
  const auto take = [&]() -> Result<> {
    const auto fd = NUCLEUS_TRY(sys::open_at(
        AT_FDCWD, directory(id), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "open the container"));
    // In this order: a supervisor that ends in between has written its last record.
    const bool held = is_held(fd.get());
    const std::string text = NUCLEUS_TRY(read_record(fd.get(), directory(id)));
    Entry entry = NUCLEUS_TRY(entry_from_json(text, directory(id) + "/record.json"));
    listed.lost = !held && is_living(entry);
    // Of one that was killed in the foreground nothing is kept; nobody could start it again.
    if (listed.lost && entry.foreground) {
      if (auto dead = hold(id)) dead->remove();
      return fail(Kind::usage, ENOENT, "find the container", id,
                  "it ran in the foreground of a nucleus that was killed");
    }
    listed.entry = std::move(entry);
    return {};
  }();
  if (!take) listed.error = take.error();
  return listed;
}

std::vector<Listed> Store::list() const {
  std::vector<Listed> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir((root_ + "/containers").c_str()),
                                                    &::closedir);
  if (!entries) return all;
  while (const dirent* const entry = ::readdir(entries.get())) {
    if (!is_id(entry->d_name)) continue;
    Listed one = read(entry->d_name);
    // Removed while we looked.
    if (one.error && one.error->errnum == ENOENT) continue;
    all.push_back(std::move(one));
  }
  std::ranges::sort(all, [](const Listed& left, const Listed& right) {
    const std::int64_t a = left.entry ? left.entry->created_usec : 0;
    const std::int64_t b = right.entry ? right.entry->created_usec : 0;
    return a != b ? a < b : left.id < right.id;
  });
  return all;
}

Result<std::string> Store::resolve(const std::string& word) const {
  const bool plain = !word.empty() && word.find('/') == std::string::npos && word.front() != '.';
  if (plain) {
    std::string holder = name_holder(root_, word);
    if (is_id(holder) && ::access(directory(holder).c_str(), F_OK) == 0) return holder;
    if (is_id(word) && ::access(directory(word).c_str(), F_OK) == 0) return word;
  }
  std::vector<std::string> found;
  if (plain && word.size() >= kShortestPrefix) {
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir((root_ + "/containers").c_str()),
                                                      &::closedir);
    while (entries != nullptr) {
      const dirent* const entry = ::readdir(entries.get());
      if (entry == nullptr) break;
      const std::string id = entry->d_name;
      if (is_id(id) && id.starts_with(word)) found.push_back(id);
    }
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    return fail(Kind::usage, 0, "tell which container is meant by", word,
                "the ids of " + std::to_string(found.size()) + " begin so: write more of it");
  }
  return fail(Kind::usage, ENOENT, "find the container", word,
              "give its name, its id, or at least 4 digits of it: nucleus ps --all lists them");
}

Result<spec::ContainerSpec> Store::spec(const std::string& id) const {
  const std::string path = directory(id) + "/spec.json";
  return spec::spec_from_json(NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, path, kLargest)), path);
}

Result<> Store::remove_unreadable(const std::string& id) const {
  const std::string path = directory(id);
  const auto fd = NUCLEUS_TRY(sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (is_held(fd.get()))
    return fail(Kind::usage, EBUSY, "remove the container", id, "its supervisor is at work");
  std::error_code code;
  for (const auto& name : std::filesystem::directory_iterator(root_ + "/by-name", code))
    drop_name(root_, name.path().filename().string(), id);
  std::filesystem::remove_all(path, code);
  if (code) return fail(Kind::runtime, code.value(), "remove", path);
  return {};
}

void Store::free_name(const std::string& name) const {
  // To look at one is to remove it, when it is one of those.
  if (const std::string holder = name_holder(root_, name); is_id(holder)) (void)read(holder);
}

std::size_t Store::clear_halves() const {
  std::size_t cleared = 0;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(root_ + "/containers", code)) {
    const std::string name = entry.path().filename().string();
    if (name.size() != 17 || name.front() != '.' || !is_id(name.substr(1))) continue;
    const auto fd = sys::open_at(AT_FDCWD, entry.path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd || is_held(fd->get())) continue;
    // One that was made a moment ago may not have its lock yet.
    struct stat info{};
    if (::fstat(fd->get(), &info) < 0 || ::time(nullptr) - info.st_mtime < 60) continue;
    std::filesystem::remove_all(entry.path(), code);
    ++cleared;
  }
  return cleared;
}

Result<> Store::rename(Held& held, const std::string& name) const {
  const std::string before = held.entry().name;
  const std::string id = held.entry().id;
  if (name == before) return {};
  free_name(name);
  NUCLEUS_CHECK(take_name(root_, name, id, [&](const std::string& holder) {
    return ::access((root_ + "/state/" + holder).c_str(), F_OK) == 0 || is_kept(root_, holder);
  }));
  const auto written = held.update([&](Entry& entry) { entry.name = name; });
  drop_name(root_, written ? before : name, id);
  return written;
}

}  // namespace nucleus::store
