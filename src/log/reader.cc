#include "log/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <deque>
#include <vector>

#include "base/json_fields.h"
#include "base/units.h"
#include "sys/file.h"

namespace nucleus::log {
namespace {

constexpr std::size_t kChunk = 256U << 10;

std::string unbase64(const std::string& text) {
  std::string out;
  unsigned group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else {
      break;
    }
    group = group << 6U | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xFFU);
    }
  }
  return out;
}

bool selected(const Selection& selection, const Record& record) {
  if (selection.stream && *selection.stream != record.stream) return false;
  if (!selection.since.empty() && record.time < selection.since) return false;
  return selection.until.empty() || record.time <= selection.until;
}

// Every whole line that is in `fd` from its position on; what is behind the last newline stays in
// `partial`.
void each_line(int fd, std::string& partial, const std::function<void(const std::string&)>& use) {
  std::string chunk(kChunk, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    std::size_t at = 0;
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
    for (;;) {
      const std::size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos) break;
      partial.append(bytes, at, end - at);
      use(partial);
      partial.clear();
      at = end + 1;
    }
    partial.append(bytes, at);
  }
}

std::string time_text(std::int64_t seconds) {
  const auto when = static_cast<time_t>(seconds);
  tm parts{};
  (void)::gmtime_r(&when, &parts);
  char text[40];
  (void)std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

}  // namespace

std::optional<Record> parse_record(const std::string& line) {
  const json::Json object = json::Json::parse(line, nullptr, false);
  if (!object.is_object() || !object.contains("time") || !object["time"].is_string())
    return std::nullopt;
  Record record;
  record.time = object["time"].get<std::string>();
  record.stream = object.value("stream", "") == "stderr" ? Stream::err : Stream::out;
  if (object.contains("log") && object["log"].is_string()) {
    record.text = object["log"].get<std::string>();
  } else if (object.contains("base64") && object["base64"].is_string()) {
    record.text = unbase64(object["base64"].get<std::string>());
  } else {
    return std::nullopt;
  }
  return record;
}

Result<> Reader::read(const Selection& selection, const std::function<void(const Record&)>& take) {
  std::vector<sys::UniqueFd> files;
  // Newest first, so that a file that is turned over meanwhile is seen twice rather than never.
  for (std::uint32_t number = 0; number < 1000; ++number) {
    const std::string name =
        number == 0 ? std::string(kFileName) : kFileName + ("." + std::to_string(number));
    auto file =
        sys::open_at(AT_FDCWD, directory_ + "/" + name, O_RDONLY | O_NOFOLLOW, 0, "open the log");
    if (!file) {
      if (number == 0) return std::unexpected(file.error());
      break;
    }
    struct stat info{};
    struct stat last{};
    if (!files.empty() && ::fstat(file->get(), &info) == 0 &&
        ::fstat(files.back().get(), &last) == 0 && info.st_ino == last.st_ino)
      continue;
    files.push_back(std::move(*file));
  }
  std::deque<Record> kept;
  const auto use = [&](const std::string& line) {
    auto record = parse_record(line);
    if (!record || !selected(selection, *record)) return;
    if (!selection.tail) return take(*record);
    kept.push_back(std::move(*record));
    if (kept.size() > *selection.tail) kept.pop_front();
  };
  for (std::size_t index = files.size(); index-- > 0;) {
    partial_.clear();
    each_line(files[index].get(), partial_, use);
  }
  for (const Record& record : kept) take(record);
  file_ = std::move(files.front());
  return {};
}

Result<> Reader::more(const Selection& selection, const std::function<void(const Record&)>& take) {
  const auto use = [&](const std::string& line) {
    const auto record = parse_record(line);
    if (record && selected(selection, *record)) take(*record);
  };
  each_line(file_.get(), partial_, use);
  struct stat here{};
  struct stat there{};
  const std::string path = directory_ + "/" + kFileName;
  if (::fstat(file_.get(), &here) < 0 || ::stat(path.c_str(), &there) < 0) return {};
  const off_t at = ::lseek(file_.get(), 0, SEEK_CUR);
  if (here.st_ino == there.st_ino && at <= there.st_size) return {};
  if (here.st_ino == there.st_ino) {
    ::lseek(file_.get(), 0, SEEK_SET);  // one file only, emptied in place
  } else {
    each_line(file_.get(), partial_, use);  // what came before it was turned over
    file_ = NUCLEUS_TRY(sys::open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, "open the log"));
  }
  partial_.clear();
  each_line(file_.get(), partial_, use);
  return {};
}

Result<std::string> parse_time(const std::string& flag, const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  // A date has two dashes where no age has any.
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
      text.find_first_not_of("0123456789-:T.Z") == std::string::npos) {
    return text.back() == 'Z' ? text.substr(0, text.size() - 1) : text;
  }
  if (digits && text.size() >= 9) {
    const auto seconds = NUCLEUS_TRY(parse_number(flag, text, 0, 99'999'999'999ULL));
    return time_text(static_cast<std::int64_t>(seconds));
  }
  const auto age = parse_duration(flag, text);
  if (!age) {
    return fail(Kind::usage, 0, "take this value for " + flag, text,
                "give a time (2026-11-25T22:59:32Z), seconds since the epoch, or an age (10m)");
  }
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t milliseconds = now.tv_sec * 1000LL + now.tv_nsec / 1'000'000 - age->count();
  char fraction[8];
  (void)std::snprintf(fraction, sizeof fraction, ".%03lld",
                      static_cast<long long>(milliseconds % 1000));
  return time_text(milliseconds / 1000) + fraction;
}

}  // namespace nucleus::log
