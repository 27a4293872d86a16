#include "container/notices.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/visible_text.h"

namespace nucleus::container {
namespace {

constexpr std::size_t kLongestStatus = 256;
constexpr std::size_t kMostDigits = 20;

// Not in the middle of a letter of UTF-8.
std::string shortened(std::string_view text) {
  std::size_t size = std::min(text.size(), kLongestStatus);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80)
    --size;
  return visible_text(text, size);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= kMostDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool may_be_heard(std::string_view line) {
  for (const std::string_view flag : {"READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1"}) {
    if (line == flag) return true;
  }
  for (const std::string_view name : {"EXTEND_TIMEOUT_USEC=", "MONOTONIC_USEC=", "ERRNO="}) {
    if (line.starts_with(name)) return is_number(line.substr(name.size()));
  }
  return false;
}

}  // namespace

Notice parse_notice(std::string_view message) {
  constexpr std::string_view kStatus = "STATUS=";
  Notice notice;
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    const std::string_view line = message.substr(0, end);
    message.remove_prefix(std::min(end + 1, message.size()));
    if (line == "READY=1") notice.ready = true;
    if (line == "WATCHDOG=1") notice.watchdog = true;
    if (line.starts_with(kStatus)) {
      notice.status = shortened(line.substr(kStatus.size()));
      notice.lines.append(kStatus).append(*notice.status).append("\n");
    } else if (may_be_heard(line)) {
      notice.lines.append(line).append("\n");
    }
  }
  if (!notice.lines.empty()) notice.lines.pop_back();
  return notice;
}

Notices::Notices(sys::EventLoop& loop, sys::UniqueFd socket, Heard heard)
    : loop_(loop), socket_(std::move(socket)), heard_(std::move(heard)) {
  watch_ = loop_.watch(socket_.get(), POLLIN, [this](short) { read(); });
}

// Without room for descriptors the kernel drops those that come along.
void Notices::read() {
  constexpr int kMostAtOnce = 16;
  for (int round = 0; round < kMostAtOnce; ++round) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0) return;
    if (static_cast<std::size_t>(got) > buffer.size()) continue;
    heard_(parse_notice(std::string_view(buffer.data(), static_cast<std::size_t>(got))));
  }
}

}  // namespace nucleus::container
