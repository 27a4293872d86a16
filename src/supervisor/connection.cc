#include "supervisor/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {
namespace {

constexpr std::size_t kLongestLine = 1024;

Result<sys::UniqueFd> connect_to(int family, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  const bool four = family == AF_INET;
  const auto* const address =
      four ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  sys::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::connect(fd.get(), address, four ? sizeof v4 : sizeof v6) < 0) {
    return fail(Kind::runtime, errno, "connect to",
                (four ? "127.0.0.1:" : "[::1]:") + std::to_string(port));
  }
  return fd;
}

// The status line, which says enough.
Result<std::string> get(int fd, const spec::Probe& probe) {
  const std::string request = "GET " + probe.text +
                              " HTTP/1.1\r\nHost: localhost:" + std::to_string(probe.port) +
                              "\r\nUser-Agent: nucleus\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return fail(Kind::runtime, errno, "ask for", probe.text);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kLongestLine) {
    std::array<char, kLongestLine> buffer{};
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "hear the answer to", probe.text);
    if (got == 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return line.substr(0, std::min(line.find_first_of("\r\n"), kLongestLine));
}

// "HTTP/1.1 204 No Content": 200 to 399 are good.
bool is_good(std::string_view line) {
  const std::size_t at = line.find(' ');
  return line.starts_with("HTTP/1.") && at != std::string_view::npos && line.size() >= at + 4 &&
         (line[at + 1] == '2' || line[at + 1] == '3') && line[at + 2] >= '0' &&
         line[at + 2] <= '9' && line[at + 3] >= '0' && line[at + 3] <= '9' &&
         (line.size() == at + 4 || line[at + 4] == ' ');
}

Result<std::string> look(const spec::Probe& probe, int pidfd, int flags, bool& good) {
  // Nobody inside may look into it once it belongs to their user namespace.
  if (::prctl(PR_SET_DUMPABLE, 0) < 0 || (flags != 0 && ::setns(pidfd, flags) < 0))
    return fail(Kind::runtime, errno, "join the namespaces of", "the container");
  auto fd = connect_to(AF_INET, probe.port);
  if (!fd) {
    if (auto six = connect_to(AF_INET6, probe.port)) fd = std::move(six);
  }
  if (!fd) return std::unexpected(fd.error());
  if (probe.kind == spec::ProbeKind::tcp) {
    good = true;
    return "connected to port " + std::to_string(probe.port);
  }
  std::string line = NUCLEUS_TRY(get(fd->get(), probe));
  good = is_good(line);
  return line.empty() ? "closed without an answer" : line;
}

}  // namespace

int connect_inside(const spec::Probe& probe, int pidfd, int flags, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return 1;  // it died before it could be noticed
  bool good = false;
  const auto said = look(probe, pidfd, flags, good);
  (void)sys::write_all(output, said ? *said : said.error().text(), "the answer");
  return good ? 0 : 1;
}

}  // namespace nucleus::supervisor
