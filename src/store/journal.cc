#include "store/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/json_fields.h"
#include "sys/file.h"

namespace nucleus::store {
namespace {

using json::Json;

std::string path_of(const std::string& root, int number) {
  return root + "/events.jsonl" + (number == 0 ? "" : "." + std::to_string(number));
}

std::string now() {
  timespec moment{};
  (void)::clock_gettime(CLOCK_REALTIME, &moment);
  tm parts{};
  (void)::gmtime_r(&moment.tv_sec, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[24];
  (void)std::snprintf(fraction, sizeof fraction, ".%06ldZ", moment.tv_nsec / 1000);
  return std::string(text, size) + fraction;
}

bool same_file(int fd, const std::string& path) {
  struct stat here{};
  struct stat there{};
  return ::fstat(fd, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

// A supervisor must not stand still for one who holds the lock and does not go on.
bool lock(int fd, int kind) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (::flock(fd, kind | LOCK_NB) == 0) return true;
    ::usleep(1000);
  }
  return false;
}

// The current file with its lock. Between opening and locking it may have been turned over.
Result<sys::UniqueFd> open_locked(const std::string& root, int flags, int kind) {
  const std::string path = path_of(root, 0);
  for (;;) {
    auto file = NUCLEUS_TRY(
        sys::open_at(AT_FDCWD, path, flags | O_NOFOLLOW | O_NOCTTY, 0600, "open the journal"));
    if (!lock(file.get(), kind)) return fail(Kind::runtime, EWOULDBLOCK, "lock the journal", path);
    if (same_file(file.get(), path)) return file;
  }
}

Result<> turn_over(const std::string& root) {
  for (int number = Journal::kMostFiles - 1; number > 0; --number) {
    const std::string from = path_of(root, number - 1);
    if (::rename(from.c_str(), path_of(root, number).c_str()) < 0 && errno != ENOENT)
      return fail(Kind::runtime, errno, "turn over the journal", from);
  }
  return {};
}

Result<> add_line(int fd, std::string line, off_t size, const std::string& path) {
  // What a crash has cut short stays a line of its own.
  char last = '\n';
  if (size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n') line.insert(0, 1, '\n');
  const ssize_t written = ::write(fd, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  const int why = written < 0 ? errno : ENOSPC;
  (void)!::ftruncate(fd, size);
  return fail(Kind::runtime, why, "write the journal", path);
}

}  // namespace

std::string to_json(const Event& event) {
  Json object;
  object["time"] = event.time;
  object["event"] = event.event;
  object["id"] = event.id;
  object["name"] = event.name;
  object["attributes"] = Json::object();
  for (const auto& [key, value] : event.attributes) object["attributes"][key] = value;
  return json::dump(object);
}

std::optional<Event> event_from_json(const std::string& line) {
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  Event event;
  for (const auto& [name, into] : {std::pair{"time", &event.time},
                                   {"event", &event.event},
                                   {"id", &event.id},
                                   {"name", &event.name}}) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    *into = found->get<std::string>();
  }
  const auto attributes = object.find("attributes");
  if (attributes == object.end() || !attributes->is_object()) return std::nullopt;
  for (const auto& [key, value] : attributes->items()) {
    if (!value.is_string()) return std::nullopt;
    event.attributes.emplace_back(key, value.get<std::string>());
  }
  return event;
}

Result<> Journal::append(Event event) const {
  const std::string path = path_of(root_, 0);
  for (;;) {
    const auto file = NUCLEUS_TRY(open_locked(root_, O_RDWR | O_CREAT | O_APPEND, LOCK_EX));
    struct stat info{};
    if (::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode))
      return fail(Kind::runtime, 0, "write the journal", path, "it is no regular file");
    event.time = now();
    const std::string line = to_json(event) + "\n";
    if (info.st_size == 0 || static_cast<std::size_t>(info.st_size) + line.size() <= most_bytes_)
      return add_line(file.get(), line, info.st_size, path);
    NUCLEUS_CHECK(turn_over(root_));
  }
}

Result<> JournalReader::more(const std::function<void(const Event&)>& take) {
  const auto read_on = [&]() {
    std::string chunk(64U << 10, '\0');
    for (;;) {
      const ssize_t got = ::read(file_.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      partial_.append(chunk, 0, static_cast<std::size_t>(got));
      std::size_t at = 0;
      for (std::size_t end = 0; (end = partial_.find('\n', at)) != std::string::npos;
           at = end + 1) {
        if (const auto event = event_from_json(partial_.substr(at, end - at))) take(*event);
      }
      partial_.erase(0, at);
    }
  };
  if (file_.valid() && same_file(file_.get(), path_of(root_, 0))) {
    read_on();
    return {};
  }
  auto current = open_locked(root_, O_RDONLY, LOCK_SH);
  if (!current && current.error().errnum == ENOENT) return {};
  if (!current) return std::unexpected(current.error());
  // Newest first, back to the one where the last call stopped. The lock keeps them in their places.
  std::vector<sys::UniqueFd> files;
  bool met = false;
  for (int number = 1; number < Journal::kMostFiles && !met; ++number) {
    const std::string path = path_of(root_, number);
    met = file_.valid() && same_file(file_.get(), path);
    if (met) break;
    sys::UniqueFd older(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
    if (older.valid()) files.push_back(std::move(older));
  }
  ::flock(current->get(), LOCK_UN);
  // Also when it has gone altogether meanwhile: its end is in our hands.
  if (file_.valid()) read_on();
  files.insert(files.begin(), std::move(*current));
  for (std::size_t index = files.size(); index-- > 0;) {
    partial_.clear();
    file_ = std::move(files[index]);
    read_on();
  }
  return {};
}

}  // namespace nucleus::store
