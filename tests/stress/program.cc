#include "stress/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace nucleus::stress {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than anything takes on a busy machine: what is late hangs.
constexpr std::chrono::seconds kPatience{120};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) < 0) std::abort();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_end(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

int left_ms(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(left < 0 ? 0 : left);
}

}  // namespace

Call call(const std::vector<std::string>& words, const std::vector<std::string>& env,
          std::optional<std::chrono::microseconds> kill_after) {
  Pipe out;
  Pipe err;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.write_end(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.write_end(), 2);
  std::vector<std::string> own_words = words;
  std::vector<std::string> own_env = env;
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, words.front().c_str(), &actions, nullptr,
                                   pointers(own_words).data(), pointers(own_env).data());
  ::posix_spawn_file_actions_destroy(&actions);
  Call done;
  if (failed != 0) {
    done.err = "cannot start " + words.front();
    return done;
  }
  out.close_end(1);
  err.close_end(1);
  if (kill_after) {
    ::usleep(static_cast<useconds_t>(kill_after->count()));
    ::kill(pid, SIGKILL);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  const auto until = Clock::now() + kPatience;
  int open = 2;
  bool ended = false;
  // Its end counts, not that of its streams: what it starts must not hold them, but if it does,
  // that is found elsewhere.
  while (!ended || open > 0) {
    pollfd fds[3] = {{.fd = out.read_end(), .events = POLLIN, .revents = 0},
                     {.fd = err.read_end(), .events = POLLIN, .revents = 0},
                     {.fd = ended ? -1 : pidfd, .events = POLLIN, .revents = 0}};
    const int found = ::poll(fds, 3, ended ? 1000 : left_ms(until));
    if (found == 0 && ended) {
      done.err += " (its streams are held by what it left)";
      break;
    }
    if (found == 0 && !done.late) {
      done.late = true;
      ::kill(pid, SIGKILL);
      continue;
    }
    for (int stream = 0; stream < 2; ++stream) {
      if (fds[stream].revents == 0) continue;
      char buffer[4096];
      const ssize_t got = ::read(fds[stream].fd, buffer, sizeof buffer);
      if (got > 0) {
        (stream == 0 ? done.out : done.err).append(buffer, static_cast<std::size_t>(got));
      } else {
        (stream == 0 ? out : err).close_end(0);
        --open;
      }
    }
    ended = ended || fds[2].revents != 0;
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(pidfd);
  done.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return done;
}

}  // namespace nucleus::stress
