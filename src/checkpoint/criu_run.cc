// Running CRIU by its descriptor, with nothing of the caller's.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "checkpoint/criu.h"
#include "sys/process.h"

namespace nucleus::checkpoint {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 256U << 10;
constexpr int kNotExecuted = 127;

// In the child.
int execute(int program, int output, const std::vector<const char*>& argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0)
    return kNotExecuted;
  (void)!::chdir("/");
  ::umask(077);
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  // It calls tar, ip and nft itself.
  const char* const environment[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
  ::syscall(SYS_execveat, program, "", argv.data(), environment, AT_EMPTY_PATH);
  return kNotExecuted;
}

int left_until(Clock::time_point moment) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<Ran> run_criu(const Criu& criu, const std::vector<std::string>& words,
                     std::chrono::milliseconds patience) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe from CRIU");
  const sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  std::vector<const char*> argv = {"criu"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  auto child =
      NUCLEUS_TRY(sys::fork_child([&] { return execute(criu.fd.get(), theirs.get(), argv); }));
  theirs.reset();
  Ran ran;
  const auto until = Clock::now() + patience;
  for (;;) {
    pollfd more{.fd = ours.get(), .events = POLLIN, .revents = 0};
    const int found = ::poll(&more, 1, left_until(until));
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) return fail(Kind::runtime, errno, "wait for", "CRIU");
    // Destroying the child kills it.
    if (found == 0) {
      return fail(Kind::runtime, ETIMEDOUT, "wait for CRIU to", words.back(),
                  "it was killed after " + std::to_string(patience.count()) + " ms");
    }
    std::array<char, 16384> piece{};
    const ssize_t got = ::read(ours.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    ran.output.append(piece.data(), static_cast<std::size_t>(got));
    if (ran.output.size() > kMostOutput) ran.output.erase(0, ran.output.size() - kMostOutput);
  }
  const auto status = NUCLEUS_TRY(child.wait());
  ran.code = status.signal != 0 ? 128 + status.signal : status.code;
  if (ran.code == kNotExecuted && ran.output.empty())
    return fail(Kind::runtime, ENOEXEC, "execute", criu.path, "is it for this machine?");
  return ran;
}

}  // namespace nucleus::checkpoint
