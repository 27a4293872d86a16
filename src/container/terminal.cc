#include "container/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace nucleus::container {
namespace {

constexpr std::size_t kChunk = 65536;
constexpr int kPatienceMs = 10'000;
constexpr int kLastWordsMs = 1'000;
constexpr int kLastLooks = 3;
constexpr unsigned kBetweenLooksUsec = 2'000;

bool would_block() { return errno == EAGAIN || errno == EINTR; }

// Writing must never stop the supervision of a container. O_NONBLOCK on standard output itself
// would change it for everybody who shares it, so that a terminal or pipe is opened once more;
// files do not block.
sys::UniqueFd reopen_output() {
  struct stat info{};
  if (::fstat(STDOUT_FILENO, &info) < 0 || (!S_ISCHR(info.st_mode) && !S_ISFIFO(info.st_mode)))
    return {};
  return sys::UniqueFd(::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

// EIO is what a terminal answers after its hangup, and what a broken disk answers. isatty(3) asks
// the terminal itself and would get EIO as well.
bool has_hung_up(int output, int errnum) {
  struct stat info{};
  return errnum == EIO && ::fstat(output, &info) == 0 && S_ISCHR(info.st_mode);
}

}  // namespace

Terminal::~Terminal() {
  if (loop_ != nullptr) {
    for (const sys::EventLoop::Id id : {master_watch_, input_watch_, output_watch_})
      loop_->unwatch(id);
  }
}

Terminal::Size Terminal::size() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    winsize found{};
    if (::ioctl(stream, TIOCGWINSZ, &found) == 0)
      return {.rows = found.ws_row, .columns = found.ws_col};
  }
  return {};
}

Result<> Terminal::begin(sys::UniqueFd master, bool interactive, sys::EventLoop* loop) {
  master_ = std::move(master);
  const int flags = ::fcntl(master_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(master_.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return fail(Kind::runtime, errno, "set up", "the container's terminal");
  reopened_ = reopen_output();
  output_ = reopened_.valid() ? reopened_.get() : STDOUT_FILENO;
  reads_ = interactive;
  loop_ = loop;
  master_watch_ = loop_->watch(master_.get(), 0, [this](short events) { on_master(events); });
  input_watch_ = loop_->watch(STDIN_FILENO, 0, [this](short) { read_input(); });
  output_watch_ = loop_->watch(output_, 0, [this](short) { write_output(); });
  loop_->before_waiting([this] { choose_events(); });
  if (!interactive) return {};
  NUCLEUS_CHECK(raw_.begin());
  refresh();
  return {};
}

void Terminal::refresh() {
  if (!active()) return;
  raw_.again();
  const Size now = size();
  const winsize told{.ws_row = now.rows, .ws_col = now.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (now.rows != 0) ::ioctl(master_.get(), TIOCSWINSZ, &told);
}

void Terminal::choose_events() {
  short master = 0;
  if (!ended_ && to_user_.empty()) master |= POLLIN;
  if (!ended_ && !to_container_.empty()) master |= POLLOUT;
  loop_->change(master_watch_, master);
  loop_->change(input_watch_, reads_ && to_container_.empty() ? POLLIN : 0);
  loop_->change(output_watch_, to_user_.empty() ? 0 : POLLOUT);
}

void Terminal::on_master(short events) {
  if ((events & POLLOUT) != 0) write_input();
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && to_user_.empty()) read_output();
}

void Terminal::read_input() {
  char buffer[4096];
  const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (got > 0) {
    to_container_.assign(buffer, static_cast<std::size_t>(got));
    write_input();
  } else if (got == 0 || !would_block()) {
    reads_ = false;  // the terminal in front is gone
  }
}

void Terminal::write_input() {
  const ssize_t put = ::write(master_.get(), to_container_.data(), to_container_.size());
  if (put > 0) {
    to_container_.erase(0, static_cast<std::size_t>(put));
  } else if (!would_block()) {
    to_container_.clear();
  }
}

void Terminal::read_output() {
  to_user_.resize(kChunk);
  ssize_t got = ::read(master_.get(), to_user_.data(), to_user_.size());
  // EIO: the last who had it open inside has closed it, pty(7). The kernel moves what was written
  // from one end to the other in a work item that may be queued again while a read waits for it, so
  // that one "nothing there" is not the end of it: only the second is.
  if (got < 0 && errno == EIO) got = ::read(master_.get(), to_user_.data(), to_user_.size());
  if (got < 0 && errno != EIO && !would_block()) read_errnum_ = errno;
  if (got == 0 || (got < 0 && !would_block())) ended_ = true;
  to_user_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (!to_user_.empty()) write_output();
}

void Terminal::write_output() {
  const ssize_t put = ::write(output_, to_user_.data(), to_user_.size());
  if (put > 0) {
    to_user_.erase(0, static_cast<std::size_t>(put));
  } else if (!would_block()) {
    // The container shall not wait for what nobody takes.
    if (const int errnum = errno; errnum != EPIPE && !has_hung_up(output_, errnum))
      write_errnum_ = errnum;
    to_user_.clear();
  }
}

Result<> Terminal::trouble() const {
  if (write_errnum_ != 0) {
    return fail(Kind::runtime, write_errnum_, "write", "standard output",
                "output of the command is lost");
  }
  if (read_errnum_ != 0)
    return fail(Kind::runtime, read_errnum_, "read", "the container's terminal");
  return {};
}

void Terminal::drain() {
  if (!active()) return;
  reads_ = false;
  to_container_.clear();
  for (int looks = 0;;) {
    if (!to_user_.empty()) {
      pollfd ready{.fd = output_, .events = POLLOUT, .revents = 0};
      const int found = ::poll(&ready, 1, kPatienceMs);
      if (found == 0 || (found < 0 && errno != EINTR)) return;
      if (found > 0) write_output();
      continue;
    }
    if (ended_) {
      // On a busy machine what was written last may come even later than that.
      if (looks++ == kLastLooks) return;
      ::usleep(kBetweenLooksUsec);
      ended_ = false;
    }
    read_output();
    if (ended_ || !to_user_.empty()) continue;
    // Not ended though nothing is left that could write: some of it is on its way (see above), or a
    // descriptor of it has been handed to somebody outside, for whom we do not wait long.
    pollfd more{.fd = master_.get(), .events = POLLIN, .revents = 0};
    const int found = ::poll(&more, 1, kLastWordsMs);
    if (found == 0 || (found < 0 && errno != EINTR)) return;
  }
}

}  // namespace nucleus::container
