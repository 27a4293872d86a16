#include "checkpoint/key.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {
namespace {

constexpr std::size_t kSize = 32;
constexpr std::size_t kLargest = 64U << 10;
constexpr mode_t kOthers = 077;
constexpr const char* kVariable = "NUCLEUS_CHECKPOINT_HMAC_KEY_FILE";
constexpr const char* kName = "nucleus/checkpoint-hmac.key";

struct Place {
  std::string directory, name;
};

Result<Place> place_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  Place place{.directory = slash == std::string::npos ? "." : path.substr(0, slash),
              .name = path.substr(slash + 1)};
  if (place.directory.empty()) place.directory = "/";
  if (place.name.empty() || place.name == "." || place.name == "..") {
    return fail(Kind::usage, 0, "take for the checkpoint key", path,
                std::string("give the path of a file in ") + kVariable);
  }
  return place;
}

Result<> check(int fd, const std::string& path, bool directory) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail(Kind::runtime, errno, "look at", path);
  const char* const what =
      directory ? "trust the directory of the checkpoint key" : "trust the checkpoint key";
  if (!directory && !S_ISREG(info.st_mode))
    return fail(Kind::runtime, EINVAL, what, path, "it is no regular file");
  if (info.st_uid != ::geteuid()) {
    return fail(Kind::runtime, EPERM, what, path,
                "it belongs to uid " + std::to_string(info.st_uid) + ", not to " +
                    std::to_string(::geteuid()));
  }
  if ((info.st_mode & kOthers) != 0) {
    return fail(Kind::runtime, EPERM, what, path,
                directory ? "others may enter it: chmod 0700" : "others may read it: chmod 0600");
  }
  return {};
}

Result<sys::UniqueFd> open_directory(const Place& place) {
  auto opened = sys::open_at(AT_FDCWD, place.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                             "open the directory of the checkpoint key");
  if (!opened && (opened.error().errnum == ELOOP || opened.error().errnum == ENOTDIR))
    opened.error().hint = "it must be a directory, and no symbolic link";
  if (!opened) return opened;
  NUCLEUS_CHECK(check(opened->get(), place.directory, true));
  return opened;
}

Result<Key> read_key(int directory, const std::string& name, const std::string& path) {
  auto file = sys::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0,
                           "open the checkpoint key");
  if (!file) {
    file.error().subject = path;
    if (file.error().errnum == ELOOP) file.error().hint = "it is a symbolic link";
    if (file.error().errnum == ENOENT) {
      file.error().hint = std::string(
                              "bring the one that the checkpoint was sealed with, or name "
                              "it in ") +
                          kVariable + "; nucleus checkpoint key init makes a new one";
    }
    return std::unexpected(std::move(file.error()));
  }
  NUCLEUS_CHECK(check(file->get(), path, false));
  Key key(path, NUCLEUS_TRY(sys::read_all(file->get(), path, kLargest)));
  if (key.bytes().size() < kSize) {
    return fail(Kind::runtime, EINVAL, "take the checkpoint key", path,
                "it has " + std::to_string(key.bytes().size()) + " bytes, and needs " +
                    std::to_string(kSize));
  }
  return key;
}

// A file with a new key and no name that is known; `put` gives it one.
Result<> write_new(int directory, const std::string& path,
                   const std::function<int(const std::string& hidden)>& put) {
  std::string bytes(kSize, '\0');
  // Eight times four bytes never come short, and block only in the first moments of a machine.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  // With the directory locked: what is there is of one that was killed.
  const std::string hidden = ".checkpoint-hmac.key.new";
  ::unlinkat(directory, hidden.c_str(), 0);
  const auto written = [&]() -> Result<> {
    const auto file =
        NUCLEUS_TRY(sys::open_at(directory, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600,
                                 "make the checkpoint key"));
    NUCLEUS_CHECK(sys::write_all(file.get(), bytes, path));
    if (::fsync(file.get()) < 0)
      return fail(Kind::runtime, errno, "write the checkpoint key", path);
    if (put(hidden) < 0) return fail(Kind::runtime, errno, "make the checkpoint key", path);
    (void)::fsync(directory);
    return {};
  }();
  ::explicit_bzero(bytes.data(), bytes.size());
  ::unlinkat(directory, hidden.c_str(), 0);
  return written;
}

Result<> lock(const sys::UniqueFd& directory, const std::string& path) {
  while (::flock(directory.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "lock the directory", path);
  }
  return {};
}

std::string moment() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = {};
  (void)::gmtime_r(&now, &parts);
  (void)std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

const char* absolute(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : nullptr;
}

}  // namespace

Key::~Key() {
  if (!bytes_.empty()) ::explicit_bzero(bytes_.data(), bytes_.size());
}

Result<std::string> key_path() {
  const char* const set = std::getenv(kVariable);
  if (set != nullptr && set[0] != '\0') return set;
  if (::geteuid() == 0) return "/var/lib/nucleus/checkpoint-hmac.key";
  if (const char* const data = absolute("XDG_DATA_HOME")) return std::string(data) + "/" + kName;
  if (const char* const home = absolute("HOME"))
    return std::string(home) + "/.local/share/" + kName;
  // A directory that everybody may write to is no place for a secret.
  return fail(Kind::usage, 0, "find a place for", "the checkpoint key",
              std::string("set HOME, or ") + kVariable);
}

Result<Key> load_key(const std::string& path) {
  const Place place = NUCLEUS_TRY(place_of(path));
  auto directory = open_directory(place);
  if (!directory && directory.error().errnum == ENOENT) {
    return fail(Kind::runtime, ENOENT, "open the checkpoint key", path,
                std::string("bring the one that the checkpoint was sealed with, or name it in ") +
                    kVariable + "; nucleus checkpoint key init makes a new one");
  }
  if (!directory) return std::unexpected(std::move(directory.error()));
  return read_key(directory->get(), place.name, path);
}

Result<> make_key(const std::string& path) {
  const Place place = NUCLEUS_TRY(place_of(path));
  if (place.directory.starts_with('/')) NUCLEUS_CHECK(sys::make_directories(place.directory, 0700));
  const auto directory = NUCLEUS_TRY(open_directory(place));
  NUCLEUS_CHECK(lock(directory, place.directory));
  // Whole or not at all: nobody meets half of a key.
  auto made = write_new(directory.get(), path, [&](const std::string& hidden) {
    return ::linkat(directory.get(), hidden.c_str(), directory.get(), place.name.c_str(), 0);
  });
  if (!made && made.error().errnum == EEXIST)
    made.error().hint = "nucleus checkpoint key rotate puts another in its place";
  return made;
}

Result<Key> load_or_make_key(const std::string& path) {
  auto key = load_key(path);
  if (key || key.error().errnum != ENOENT) return key;
  const auto made = make_key(path);
  if (!made && made.error().errnum != EEXIST) return std::unexpected(made.error());
  return load_key(path);
}

Result<std::string> rotate_key(const std::string& path) {
  const Place place = NUCLEUS_TRY(place_of(path));
  (void)NUCLEUS_TRY(load_key(path));
  const auto directory = NUCLEUS_TRY(open_directory(place));
  NUCLEUS_CHECK(lock(directory, place.directory));
  std::string kept;
  const std::string stem = place.name + "." + moment();
  for (int number = 1;; ++number) {
    kept = number == 1 ? stem : stem + "-" + std::to_string(number);
    if (::linkat(directory.get(), place.name.c_str(), directory.get(), kept.c_str(), 0) == 0) break;
    if (errno != EEXIST) return fail(Kind::runtime, errno, "keep the old checkpoint key", path);
  }
  const auto made = write_new(directory.get(), path, [&](const std::string& hidden) {
    return ::renameat(directory.get(), hidden.c_str(), directory.get(), place.name.c_str());
  });
  if (made) return place.directory + "/" + kept;
  ::unlinkat(directory.get(), kept.c_str(), 0);
  return std::unexpected(made.error());
}

Result<std::vector<Key>> earlier_keys(const std::string& path) {
  const Place place = NUCLEUS_TRY(place_of(path));
  auto directory = NUCLEUS_TRY(open_directory(place));
  const auto listing = NUCLEUS_TRY(sys::open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(
      ::fdopendir(::fcntl(listing.get(), F_DUPFD_CLOEXEC, 3)), &::closedir);
  if (!entries) return fail(Kind::runtime, errno, "list", place.directory);
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with(place.name + ".")) names.push_back(name);
  }
  std::ranges::sort(names, std::greater());
  std::vector<Key> keys;
  for (const std::string& name : names) {
    const std::string where = place.directory + "/" + name;
    keys.push_back(NUCLEUS_TRY(read_key(directory.get(), name, where)));
  }
  return keys;
}

}  // namespace nucleus::checkpoint
