#include "cli/live/flow.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace nucleus::cli {
namespace {

constexpr std::size_t kChunk = 65536;
constexpr int kPatienceMs = 10'000;

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Flow::Flow(sys::EventLoop& loop, int from, int to, Filter filter)
    : loop_(loop), from_(from), to_(to), filter_(std::move(filter)) {
  struct stat info{};
  if (::fstat(to, &info) == 0 && (S_ISCHR(info.st_mode) || S_ISFIFO(info.st_mode))) {
    const std::string path = "/proc/self/fd/" + std::to_string(to);
    reopened_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (reopened_.valid()) to_ = reopened_.get();
  }
  from_watch_ = loop_.watch(from_, POLLIN, [this](short) { read(); });
  to_watch_ = loop_.watch(to_, 0, [this](short) { write(); });
}

Flow::~Flow() {
  loop_.unwatch(from_watch_);
  loop_.unwatch(to_watch_);
}

void Flow::choose_events() {
  loop_.change(from_watch_, ended_ || !buffer_.empty() ? 0 : POLLIN);
  loop_.change(to_watch_, buffer_.empty() ? 0 : POLLOUT);
}

void Flow::read() {
  if (!buffer_.empty()) return;
  buffer_.resize(kChunk);
  const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
  if (got == 0 || (got < 0 && !would_block())) ended_ = true;
  buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (filter_ && !buffer_.empty()) filter_(buffer_);
  write();
}

void Flow::write() {
  if (!buffer_.empty()) {
    ssize_t put = ::send(to_, buffer_.data(), buffer_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == ENOTSOCK) put = ::write(to_, buffer_.data(), buffer_.size());
    if (put >= 0) {
      buffer_.erase(0, static_cast<std::size_t>(put));
    } else if (!would_block()) {
      buffer_.clear();  // nobody takes it any more
    }
  }
  choose_events();
}

void Flow::drain() {
  for (;;) {
    if (buffer_.empty() && ended_) return;
    pollfd ready{.fd = buffer_.empty() ? from_ : to_,
                 .events = static_cast<short>(buffer_.empty() ? POLLIN : POLLOUT),
                 .revents = 0};
    const int found = ::poll(&ready, 1, kPatienceMs);
    if (found == 0 || (found < 0 && errno != EINTR)) return;
    if (found < 0) continue;
    if (buffer_.empty()) {
      read();
    } else {
      write();
    }
  }
}

void Flow::add(std::string_view bytes) {
  ended_ = true;
  buffer_.append(bytes);
  drain();
}

}  // namespace nucleus::cli
