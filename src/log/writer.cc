#include "log/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/utf8.h"
#include "sys/file.h"

namespace nucleus::log {
namespace {

constexpr std::size_t kWriteAt = 256U << 10;

std::string now_text() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  (void)::gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",
                                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000);
  return {text, static_cast<std::size_t>(size)};
}

constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned byte = 0x20; byte < 0x7F; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

}  // namespace

bool append_json_string(std::string& to, std::string_view text) {
  const std::size_t before = to.size();
  to += '"';
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && kPlain[static_cast<unsigned char>(text[end])]) ++end;
    to.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    const char c = text[at];
    if (c == '\n') {
      to += "\\n";
    } else if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (static_cast<unsigned char>(c) < 0x80) {
      char escape[8];
      (void)std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      to += escape;
    } else {
      const std::size_t size = utf8_sequence(text, at);
      if (size == 0) {
        to.resize(before);
        return false;
      }
      to.append(text, at, size);
      at += size - 1;
    }
    ++at;
  }
  to += '"';
  return true;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    const auto byte = [&](std::size_t index) {
      return index < left ? static_cast<unsigned char>(bytes[at + index]) : 0U;
    };
    const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
    out += kDigits[group >> 18U];
    out += kDigits[group >> 12U & 63U];
    out += left > 1 ? kDigits[group >> 6U & 63U] : '=';
    out += left > 2 ? kDigits[group & 63U] : '=';
  }
  return out;
}

Result<Writer> Writer::open(int directory, Options options) {
  Writer writer;
  writer.directory_ = directory;
  writer.options_ = options;
  writer.file_ = NUCLEUS_TRY(sys::open_at(
      directory, kFileName, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600, "open the log"));
  struct stat info{};
  if (::fstat(writer.file_.get(), &info) == 0)
    writer.size_ = static_cast<std::uint64_t>(info.st_size);
  return writer;
}

void Writer::take(Stream stream, std::string_view bytes) {
  time_ = now_text();
  pieces_.take(stream, bytes, [this](Stream of, std::string_view text) { line(of, text); });
  put();
}

void Writer::flush() {
  time_ = now_text();
  pieces_.flush([this](Stream of, std::string_view text) { line(of, text); });
  put();
  buffer_.shrink_to_fit();
}

void Writer::line(Stream stream, std::string_view text) {
  buffer_ += R"({"time":")";
  buffer_ += time_;
  buffer_ += stream == Stream::out ? R"(","stream":"stdout",)" : R"(","stream":"stderr",)";
  buffer_ += "\"log\":";
  if (!append_json_string(buffer_, text)) {
    buffer_.resize(buffer_.size() - 6);
    buffer_ += "\"base64\":\"" + base64(text) + "\"";
  }
  buffer_ += "}\n";
  // Never so much at once that it would not fit into a file.
  if (buffer_.size() >= std::min<std::uint64_t>(kWriteAt, options_.size / 4)) put();
}

// What cannot be written is lost: a workload never waits for a disk to be emptied.
void Writer::put() {
  if (buffer_.empty()) return;
  if (size_ != 0 && size_ + buffer_.size() > options_.size) turn_over();
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t put = ::write(file_.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(put));
    size_ += static_cast<std::uint64_t>(put);
  }
  if (!rest.empty()) {
    lost_ += rest.size();
    // Half a record would spoil the next one.
    if (rest.size() != buffer_.size()) (void)!::write(file_.get(), "\n", 1);
  }
  buffer_.clear();
}

void Writer::turn_over() {
  const auto name = [](std::uint32_t number) {
    return number == 0 ? std::string(kFileName) : kFileName + ("." + std::to_string(number));
  };
  if (options_.files <= 1) {
    if (::ftruncate(file_.get(), 0) == 0) size_ = 0;
    return;
  }
  for (std::uint32_t number = options_.files - 1; number > 0; --number)
    (void)::renameat(directory_, name(number - 1).c_str(), directory_, name(number).c_str());
  sys::UniqueFd next(::openat(directory_, kFileName,
                              O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!next.valid()) return;  // goes on with the one it has
  file_ = std::move(next);
  size_ = 0;
}

}  // namespace nucleus::log
