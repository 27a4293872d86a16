#include "supervisor/stand_by.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <utility>

#include "sys/memory.h"

namespace nucleus::supervisor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kGo = 'g';
constexpr char kTold = 't';
constexpr char kDismissed = 'd';

// One that something kills again and again is not made for ever.
constexpr std::size_t kMostDeaths = 5;
constexpr std::chrono::seconds kDeathsWithin{60};

void say(int socket, char letter) {
  (void)::send(socket, &letter, sizeof letter, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool has_input(int fd, int patience_ms) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  int found = -1;
  while ((found = ::poll(&wanted, 1, patience_ms)) < 0 && errno == EINTR) {
  }
  return found > 0;
}

bool ends_a_program(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

}  // namespace

// The one that stands by, while one fork lives.
struct StandBy::Watch {
  const Hooks& hooks;
  std::optional<sys::WaitStatus>& ended;
  sys::Child& child;
  sys::UniqueFd& socket;

  void tell_end() const {
    if (ended) (void)::send(socket.get(), &*ended, sizeof *ended, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void read_letters() const {
    for (;;) {
      char letter = 0;
      const ssize_t got = ::recv(socket.get(), &letter, sizeof letter, MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        if (got == 0) socket.reset();
        return;
      }
      if (letter == kTold && hooks.told) hooks.told();
      if (letter == kDismissed) {
        say(socket.get(), kDismissed);
        ::_exit(0);
      }
    }
  }

  // Comes back when the fork was killed, and goes when it went.
  void run() const {
    tell_end();
    constexpr int kSettledMs = 1000;
    for (int patience = kSettledMs;;) {
      const bool looks = hooks.init != nullptr && !ended;
      pollfd fds[] = {{.fd = socket.get(), .events = POLLIN, .revents = 0},
                      {.fd = child.pidfd(), .events = POLLIN, .revents = 0},
                      {.fd = hooks.signals->fd(), .events = POLLIN, .revents = 0},
                      {.fd = looks ? hooks.init->pidfd() : -1, .events = POLLIN, .revents = 0}};
      const int found = ::poll(fds, 4, patience);
      if (found < 0) continue;  // EINTR: nothing else can be wrong with these four
      // Of all the code that brought us here, waiting needs little.
      if (found == 0) {
        sys::release_code();
        patience = -1;
      }
      if (fds[3].revents != 0) {
        const auto status = hooks.init->collect();
        if (status && *status) ended = **status;
        tell_end();
      }
      while (const auto signal = fds[2].revents != 0 ? hooks.signals->next() : std::nullopt) {
        if (ends_a_program(*signal)) (void)child.send_signal(*signal);
      }
      if (fds[0].revents != 0) read_letters();
      if (fds[1].revents == 0) continue;
      if (socket.valid()) read_letters();
      const auto status = child.wait();
      if (!status || status->signal == 0) ::_exit(status ? status->code : 125);
      return;
    }
  }
};

namespace {

// In a new fork of `parent`, told to go: the one that stood by for `parent` until now, at the other
// end of `socket`, is to go. False: `parent` was killed first, and that one has taken over.
bool relieve(int socket, pid_t parent) {
  if (socket < 0) return true;
  say(socket, kDismissed);
  for (;;) {
    // Before its word there may be how an init ended.
    char words[sizeof(sys::WaitStatus)] = {};
    const ssize_t got = ::recv(socket, words, sizeof words, 0);
    if (got < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (got == 1 && words[0] == kDismissed) return true;
    // It is gone without a word: killed, or it has closed this on its way to taking over.
    if (got <= 0) return ::getppid() == parent;
  }
}

}  // namespace

// In the fork. One that was forked and then given up begins nothing.
bool StandBy::wait_for_go(sys::UniqueFd socket, sys::UniqueFd before, pid_t parent) {
  char letter = 0;
  ssize_t got = -1;
  while ((got = ::recv(socket.get(), &letter, sizeof letter, 0)) < 0 && errno == EINTR) {
  }
  socket_ = std::move(socket);
  pid_ = parent;
  ::prctl(PR_SET_NAME, "nucleus-super");
  return got == sizeof letter && letter == kGo && relieve(before.get(), parent);
}

Result<> StandBy::split(const Hooks& hooks) {
  sys::UniqueFd before = std::exchange(socket_, {});
  deaths_ = 0;
  ended_.reset();
  const pid_t ourselves = ::getpid();
  std::deque<Clock::time_point> when;
  for (;;) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
      return fail(Kind::runtime, errno, "make", "a socket to the one that stands by");
    sys::UniqueFd ours(ends[0]);
    sys::UniqueFd theirs(ends[1]);
    bool in_child = false;
    auto child = sys::fork_with_pidfd(in_child);
    if (in_child) {
      ours.reset();
      if (!wait_for_go(std::move(theirs), std::move(before), ourselves)) ::_exit(125);
      return {};
    }
    theirs.reset();
    if (!child || child->pidfd() < 0) {
      pid_ = 0;
      // Another one was there, and is gone: it goes on without one, rather than not at all.
      if (deaths_ > 0) return {};
      if (!child) return std::unexpected(child.error());
      return fail(Kind::runtime, ENOSYS, "make", "a process that stands by",
                  "pidfd_open(2) is not there: leave out --on-supervisor-death adopt");
    }
    // The fork relieves the one that stood by until now, when it has been told to go: whichever of
    // us is killed before, that one takes over, and after, the fork is there.
    if (hooks.begin) hooks.begin();
    ::prctl(PR_SET_NAME, "nucleus-standby");
    say(ours.get(), kGo);
    Watch{.hooks = hooks, .ended = ended_, .child = *child, .socket = ours}.run();
    before_ = child->pid();
    ++deaths_;
    when.push_back(Clock::now());
    std::erase_if(when, [&](auto moment) { return moment < when.back() - kDeathsWithin; });
    if (when.size() >= kMostDeaths) {
      pid_ = 0;
      if (before.valid()) say(before.get(), kDismissed);
      ::prctl(PR_SET_NAME, "nucleus-super");
      return {};
    }
  }
}

std::optional<sys::WaitStatus> StandBy::how_it_ended() const {
  if (ended_ || !socket_.valid()) return ended_;
  constexpr int kPatienceMs = 5000;
  sys::WaitStatus status;
  if (!has_input(socket_.get(), kPatienceMs) ||
      ::recv(socket_.get(), &status, sizeof status, MSG_DONTWAIT) != sizeof status)
    return std::nullopt;
  return status;
}

void StandBy::told() const {
  if (socket_.valid()) say(socket_.get(), kTold);
}

void StandBy::dismiss() {
  if (!socket_.valid()) return;
  say(socket_.get(), kDismissed);
  constexpr int kPatienceMs = 1000;
  // What is to be read first is how the init ended; then comes the end of the one that told it.
  while (has_input(socket_.get(), kPatienceMs)) {
    sys::WaitStatus status;
    if (::recv(socket_.get(), &status, sizeof status, MSG_DONTWAIT) <= 0) break;
  }
  socket_.reset();
  pid_ = 0;
}

}  // namespace nucleus::supervisor
