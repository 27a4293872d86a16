#include "checkpoint/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/visible_text.h"
#include "checkpoint/criu_program.h"
#include "sys/file.h"
#include "sys/message.h"

namespace nucleus::checkpoint {
namespace {

constexpr std::size_t kMostAnswer = 64U << 10;
constexpr std::size_t kMostLog = 256U << 10;

const char* doing(RpcType type) {
  switch (type) {
    case RpcType::dump: return "dump";
    case RpcType::pre_dump: return "pre-dump";
    case RpcType::restore: return "restore";
    case RpcType::version: return "say its version";
    default: return "check";
  }
}

constexpr const char* kPeer = "CRIU";

// The last of its log, or nothing.
std::string log_of(int work_dir, const std::string& name) {
  if (work_dir < 0 || name.empty()) return {};
  const sys::UniqueFd log(
      ::openat(work_dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!log.valid() || ::fstat(log.get(), &status) < 0 || !S_ISREG(status.st_mode)) return {};
  ::lseek(log.get(), std::max<off_t>(0, status.st_size - static_cast<off_t>(kMostLog)), SEEK_SET);
  return sys::read_all(log.get(), name, kMostLog).value_or("");
}

// What one session needs between its messages.
class Session {
 public:
  Session(CriuProcess process, sys::UniqueFd socket, const OnStep& on_step,
          std::chrono::milliseconds patience)
      : process_(std::move(process)),
        socket_(std::move(socket)),
        on_step_(on_step),
        patience_(patience) {}

  // To its last answer, which one that has ended has not given.
  Result<std::optional<RpcAnswer>> talk(const std::string& request) {
    NUCLEUS_CHECK(say(request));
    std::string room(kMostAnswer, '\0');
    for (;;) {
      NUCLEUS_CHECK(await(socket_.get()));
      auto received = NUCLEUS_TRY(sys::receive_message(socket_.get(), room, 1, kPeer));
      if (!received) return std::optional<RpcAnswer>();
      auto answer = NUCLEUS_TRY(rpc_answer({room.data(), received->size}));
      if (answer.type != RpcType::notify) return std::optional(std::move(answer));
      Step step{.name = std::move(answer.step), .pid = answer.pid};
      if (!received->fds.empty()) step.fd = std::move(received->fds.front());
      const Result<> done = on_step_ ? on_step_(std::move(step)) : Result<>();
      if (!done && !refused_) refused_ = done.error();
      NUCLEUS_CHECK(say(rpc_notified(done.has_value())));
    }
  }

  // It ends by itself when it has answered, or has nobody to answer.
  Result<sys::WaitStatus> end() {
    socket_.reset();
    while (!silent_) NUCLEUS_CHECK(await(-1));
    return process_.child.wait();
  }

  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  // One that has ended hears nothing: what it has said before is still to be heard.
  Result<> say(const std::string& bytes) {
    auto said = sys::send_message(socket_.get(), bytes, {}, kPeer);
    if (!said && said.error().errnum != EPIPE) return said;
    return {};
  }

  // Until `socket` has something, taking what it prints; without one, until it has printed all.
  Result<> await(int socket) {
    for (;;) {
      std::array<pollfd, 2> both = {
          {{.fd = socket, .events = POLLIN, .revents = 0},
           {.fd = silent_ ? -1 : process_.output.get(), .events = POLLIN, .revents = 0}}};
      const int found = ::poll(both.data(), both.size(), static_cast<int>(patience_.count()));
      if (found < 0 && errno == EINTR) continue;
      if (found < 0) return fail(Kind::runtime, errno, "wait for", kPeer);
      if (found == 0) {
        return fail(Kind::runtime, ETIMEDOUT, "hear from", kPeer,
                    "it was killed after " + std::to_string(patience_.count()) + " ms of silence");
      }
      if (both[1].revents != 0) silent_ = !take_output(process_.output.get(), output_);
      if (both[0].revents != 0 || (socket < 0 && silent_)) return {};
    }
  }

  CriuProcess process_;
  sys::UniqueFd socket_;
  const OnStep& on_step_;
  std::chrono::milliseconds patience_;
  std::string output_;
  bool silent_ = false;
  std::optional<Error> refused_;
};

}  // namespace

Result<RpcAnswer> ask_criu(const Criu& criu, RpcType type, RpcOptions options,
                           const std::string& work_dir, const OnStep& on_step,
                           std::span<const int> given, std::chrono::milliseconds patience) {
  options.notify_scripts = static_cast<bool>(on_step);
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return fail(Kind::runtime, errno, "make", "a socket to CRIU");
  sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  std::vector<int> all = {theirs.get()};
  all.insert(all.end(), given.begin(), given.end());
  auto process = NUCLEUS_TRY(start_criu(criu, {"--no-default-config", "swrk", "3"}, all, !on_step));
  theirs.reset();
  Session session(std::move(process), std::move(ours), on_step, patience);
  auto answer = session.talk(rpc_request(type, options));
  if (!answer) {
    // With its answer missing there is nothing to wait for: it is killed with the session.
    return session.refused() ? std::unexpected(*session.refused())
                             : std::unexpected(answer.error());
  }
  const auto status = NUCLEUS_TRY(session.end());
  if (session.refused()) return std::unexpected(*session.refused());
  if (*answer && (*answer)->success) return std::move(**answer);
  if (!*answer && status.code == kCriuNotExecuted && session.output().empty())
    return not_executed(criu);
  std::string reason = criu_reason(log_of(options.work_dir_fd, options.log_file));
  if (reason.empty() && *answer) reason = visible_text((*answer)->message, 1024);
  if (reason.empty()) reason = criu_reason(session.output());
  if (!*answer && status.signal != 0) {
    reason = "it was ended by signal " + std::to_string(status.signal) +
             (reason.empty() ? "" : ": " + reason);
  }
  if (!options.log_file.empty()) {
    reason.append(reason.empty() ? "see " : "; see ").append(work_dir);
    reason.append("/").append(options.log_file);
  }
  const int errnum = *answer ? (*answer)->errnum : 0;
  return fail(Kind::runtime, errnum > 0 ? errnum : 0, "have CRIU", doing(type), reason);
}

}  // namespace nucleus::checkpoint
