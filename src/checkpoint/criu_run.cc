// Running CRIU by its descriptor, with nothing of the caller's.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "checkpoint/criu.h"
#include "checkpoint/criu_program.h"

namespace nucleus::checkpoint {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 256U << 10;
constexpr int kFirstGiven = 3;

// In the child.
int execute(int program, int output, const std::vector<const char*>& argv,
            std::span<const int> given, bool dies_with_us) {
  if (dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Everything is first put above the numbers that it is wanted at.
  const int above = kFirstGiven + static_cast<int>(given.size());
  program = ::fcntl(program, F_DUPFD_CLOEXEC, above);
  output = ::fcntl(output, F_DUPFD_CLOEXEC, above);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (program < 0 || output < 0 || nothing < 0) return kCriuNotExecuted;
  std::array<int, 16> moved{};
  if (given.size() > moved.size()) return kCriuNotExecuted;
  for (std::size_t index = 0; index < given.size(); ++index) {
    moved[index] = ::fcntl(given[index], F_DUPFD_CLOEXEC, above);
    if (moved[index] < 0) return kCriuNotExecuted;
  }
  if (::dup2(nothing, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0)
    return kCriuNotExecuted;
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  for (std::size_t index = 0; index < given.size(); ++index) {
    if (::dup2(moved[index], kFirstGiven + static_cast<int>(index)) < 0) return kCriuNotExecuted;
  }
  (void)!::chdir("/");
  ::umask(077);
  // It calls tar, ip and nft itself.
  const char* const environment[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
  ::syscall(SYS_execveat, program, "", argv.data(), environment, AT_EMPTY_PATH);
  return kCriuNotExecuted;
}

int left_until(Clock::time_point moment) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<CriuProcess> start_criu(const Criu& criu, const std::vector<std::string>& words,
                               std::span<const int> given, bool dies_with_us) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe from CRIU");
  CriuProcess process;
  process.output = sys::UniqueFd(ends[0]);
  const sys::UniqueFd theirs(ends[1]);
  std::vector<const char*> argv = {"criu"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  process.child = NUCLEUS_TRY(sys::fork_child(
      [&] { return execute(criu.fd.get(), theirs.get(), argv, given, dies_with_us); }));
  return process;
}

std::unexpected<Error> not_executed(const Criu& criu) {
  return fail(Kind::runtime, ENOEXEC, "execute", criu.path, "is it for this machine?");
}

bool take_output(int from, std::string& output) {
  std::array<char, 16384> piece{};
  ssize_t got = 0;
  do {
    got = ::read(from, piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  output.append(piece.data(), static_cast<std::size_t>(got));
  if (output.size() > kMostOutput) output.erase(0, output.size() - kMostOutput);
  return true;
}

Result<Ran> run_criu(const Criu& criu, const std::vector<std::string>& words,
                     std::chrono::milliseconds patience) {
  auto process = NUCLEUS_TRY(start_criu(criu, words, {}, true));
  Ran ran;
  const auto until = Clock::now() + patience;
  for (;;) {
    pollfd more{.fd = process.output.get(), .events = POLLIN, .revents = 0};
    const int found = ::poll(&more, 1, left_until(until));
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) return fail(Kind::runtime, errno, "wait for", "CRIU");
    // Destroying the child kills it.
    if (found == 0) {
      return fail(Kind::runtime, ETIMEDOUT, "wait for CRIU to", words.back(),
                  "it was killed after " + std::to_string(patience.count()) + " ms");
    }
    if (!take_output(process.output.get(), ran.output)) break;
  }
  const auto status = NUCLEUS_TRY(process.child.wait());
  ran.code = status.signal != 0 ? 128 + status.signal : status.code;
  if (ran.code == kCriuNotExecuted && ran.output.empty()) return not_executed(criu);
  return ran;
}

}  // namespace nucleus::checkpoint
