#include "checkpoint/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/visible_text.h"
#include "checkpoint/criu_program.h"

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

struct Heard {
  RpcAnswer answer;
  sys::UniqueFd fd;
  bool end = false;
};

// One message of CRIU's.
Result<Heard> hear(int socket) {
  Heard heard;
  std::string bytes(kMostAnswer, '\0');
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    // A peer that ended with our words unread is told before its last ones.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) return fail(Kind::runtime, errno, "hear from", "CRIU");
  for (const cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
       item = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(item))) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    int number = -1;
    std::memcpy(&number, CMSG_DATA(item), sizeof number);
    heard.fd = sys::UniqueFd(number);
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return fail(Kind::runtime, EMSGSIZE, "hear from", "CRIU");
  heard.end = got == 0;
  bytes.resize(static_cast<std::size_t>(got));
  if (!heard.end) heard.answer = NUCLEUS_TRY(rpc_answer(bytes));
  return heard;
}

Result<> say(int socket, const std::string& bytes) {
  if (::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0)
    return fail(Kind::runtime, errno, "speak to", "CRIU", "it has ended");
  return {};
}

// The last of its log, or nothing.
std::string log_of(int work_dir, const std::string& name) {
  if (work_dir < 0 || name.empty()) return {};
  const sys::UniqueFd log(
      ::openat(work_dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!log.valid() || ::fstat(log.get(), &status) < 0 || !S_ISREG(status.st_mode)) return {};
  const off_t from = std::max<off_t>(0, status.st_size - static_cast<off_t>(kMostLog));
  std::string text(kMostLog, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got =
        ::pread(log.get(), text.data() + size, text.size() - size, from + static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
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

  // To its last answer, which an ended one has not given.
  Result<std::optional<RpcAnswer>> talk(const std::string& request) {
    NUCLEUS_CHECK(say(socket_.get(), request));
    for (;;) {
      NUCLEUS_CHECK(await());
      Heard heard = NUCLEUS_TRY(hear(socket_.get()));
      if (heard.end) return std::optional<RpcAnswer>();
      if (heard.answer.type != RpcType::notify) return std::optional(std::move(heard.answer));
      Result<> done;
      if (on_step_)
        done = on_step_({std::move(heard.answer.step), heard.answer.pid, std::move(heard.fd)});
      if (!done && !refused_) refused_ = done.error();
      NUCLEUS_CHECK(say(socket_.get(), rpc_notified(done.has_value())));
    }
  }

  // It ends by itself when it has answered, or has nobody to answer.
  Result<sys::WaitStatus> end() {
    socket_.reset();
    while (take_output(process_.output.get(), output_)) {
    }
    return process_.child.wait();
  }

  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  // Until it says something on the socket, taking what it prints.
  Result<> await() {
    for (;;) {
      std::array<pollfd, 2> both = {
          {{.fd = socket_.get(), .events = POLLIN, .revents = 0},
           {.fd = silent_ ? -1 : process_.output.get(), .events = POLLIN, .revents = 0}}};
      const int found = ::poll(both.data(), both.size(), static_cast<int>(patience_.count()));
      if (found < 0 && errno == EINTR) continue;
      if (found < 0) return fail(Kind::runtime, errno, "wait for", "CRIU");
      if (found == 0) {
        return fail(Kind::runtime, ETIMEDOUT, "hear from", "CRIU",
                    "it was killed after " + std::to_string(patience_.count()) + " ms of silence");
      }
      if (both[1].revents != 0) silent_ = !take_output(process_.output.get(), output_);
      if (both[0].revents != 0) return {};
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

Result<RpcAnswer> ask_criu(const Criu& criu, RpcType type, const RpcOptions& options,
                           const std::string& work_dir, const OnStep& on_step,
                           std::span<const int> given, std::chrono::milliseconds patience) {
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
