// What the container says: from its streams to the log and to who looks on.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "log/journal.h"
#include "log/writer.h"
#include "supervisor/supervisor.h"

namespace nucleus::supervisor {

Result<> Supervisor::open_log() {
  const spec::Supervision& life = spec_.supervision;
  switch (life.log_driver) {
    case spec::LogDriver::none: break;
    case spec::LogDriver::json:
      log_ = std::make_unique<log::Writer>(NUCLEUS_TRY(log::Writer::open(
          held_.directory_fd(), {.size = life.log_size.bytes, .files = life.log_files})));
      break;
    case spec::LogDriver::journald:
      log_ = std::make_unique<log::Journal>(NUCLEUS_TRY(
          log::Journal::open({.socket = life.log_socket, .id = request_.id, .name = spec_.name})));
      break;
  }
  return {};
}

// The container inherits our own three streams. We hold their other ends as well, so that nothing
// breaks for it when nobody listens, and one run after another finds them there.
Result<> Supervisor::open_streams() {
  if (spec_.terminal) return {};
  for (int stream = 1; stream <= 2; ++stream) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
    sys::UniqueFd& ours = output_.at(static_cast<std::size_t>(stream) - 1);
    ours.reset(ends[0]);
    const sys::UniqueFd theirs(ends[1]);
    ::fcntl(ours.get(), F_SETFL, O_RDONLY | O_NONBLOCK);
    ::fcntl(ours.get(), F_SETPIPE_SZ, 1 << 20);  // fewer wake-ups; what a user may not have stays
    if (::dup2(theirs.get(), stream) < 0)
      return fail(Kind::runtime, errno, "open the stream", std::to_string(stream));
    const log::Stream name = stream == 1 ? log::Stream::out : log::Stream::err;
    output_watches_.at(static_cast<std::size_t>(stream) - 1) = loop_.watch(
        ours.get(), POLLIN, [this, name, fd = ours.get()](short) { read_stream(name, fd); });
  }
  if (spec_.interactive) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
    const sys::UniqueFd theirs(ends[0]);
    input_.reset(ends[1]);
    ::fcntl(input_.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    if (::dup2(theirs.get(), 0) < 0) return fail(Kind::runtime, errno, "open", "standard input");
  }
  return {};
}

void Supervisor::read_stream(log::Stream stream, int fd) {
  static std::array<char, 256U << 10> buffer;
  // Not for ever: others wait as well.
  for (int round = 0; round < 16; ++round) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) return;
    hear_output(stream, std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    if (static_cast<std::size_t>(got) < buffer.size() || viewers_->hold_back()) return;
  }
}

void Supervisor::hear_output(log::Stream stream, std::string_view bytes) {
  if (log_) log_->take(stream, bytes);
  viewers_->take(stream, bytes);
}

// A viewer that keeps up a little behind is waited for, as a local terminal would be.
void Supervisor::choose_output() {
  const short events = viewers_ && viewers_->hold_back() ? 0 : POLLIN;
  for (const sys::EventLoop::Id watch : output_watches_) loop_.change(watch, events);
  loop_.change(terminal_watch_, events);
}

void Supervisor::drain() {
  viewers_->end();
  for (const std::size_t index : {0U, 1U}) {
    const int fd = output_.at(index).get();
    if (fd < 0) continue;
    for (pollfd more{.fd = fd, .events = POLLIN, .revents = 0}; ::poll(&more, 1, 0) > 0;)
      read_stream(index == 0 ? log::Stream::out : log::Stream::err, fd);
  }
  if (terminal_.valid()) {
    // EIO is its end: see container/terminal.cc for why one of them is not enough.
    for (int ends = 0; ends < 4;) {
      std::array<char, 4096> buffer{};
      const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
      if (got > 0) {
        hear_output(log::Stream::out,
                    std::string_view(buffer.data(), static_cast<std::size_t>(got)));
      }
      if (got <= 0) {
        ++ends;
        ::usleep(2'000);
      }
    }
    loop_.unwatch(terminal_watch_);
    terminal_.reset();
  }
  if (log_) log_->flush();
}

}  // namespace nucleus::supervisor
