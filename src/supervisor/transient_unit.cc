#include "supervisor/transient_unit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "control/packet.h"
#include "supervisor/spawn.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/unix_address.h"

namespace nucleus::supervisor {
namespace {

constexpr int kPatienceMs = 30'000;
// Without a session the manager of a user runs only for one who lingers: loginctl(1).
constexpr const char* kCure =
    " (is the manager there? systemctl status; for yours: loginctl enable-linger, then systemctl "
    "--user status)";

Result<std::string> new_name(const std::string& id) {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    return fail(Kind::runtime, errno, "make", "a random number");
  return "nucleus-" + id + "-" + std::to_string(number);
}

bool is_our_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

// Only where nobody else can put another.
Result<std::string> find_program(const std::string& subject) {
  for (const char* path : {"/usr/bin/systemd-run", "/bin/systemd-run"}) {
    struct stat info{};
    if (::stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == 0 &&
        (info.st_mode & (S_IWGRP | S_IWOTH)) == 0)
      return path;
  }
  return fail(Kind::usage, ENOENT, "start", subject,
              "there is no systemd-run(1) of root's in /usr/bin: install systemd, or leave "
              "--supervisor out");
}

Result<std::string> own_path() {
  std::string path(PATH_MAX, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size < 0) return fail(Kind::runtime, errno, "find", "the program of nucleus");
  path.resize(static_cast<std::size_t>(size));
  if (path.ends_with(" (deleted)"))
    return fail(Kind::runtime, ENOENT, "start again", path, "another one is there by now");
  return path;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

// What it says on standard error is the reason when it fails.
Result<> run_program(std::vector<std::string> words, const std::string& subject) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
  for (const char* name : {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"}) {
    if (const char* const value = std::getenv(name))
      environment.push_back(std::string(name) + "=" + value);
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
  const sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  const auto nothing = NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/dev/null", O_RDONLY));
  const auto argv = pointers(words);
  const auto envp = pointers(environment);
  sys::Child child = NUCLEUS_TRY(sys::fork_child([&] {
    if (::dup2(nothing.get(), 0) >= 0 && ::dup2(theirs.get(), 1) >= 0 &&
        ::dup2(theirs.get(), 2) >= 0)
      ::execve(argv.front(), argv.data(), envp.data());
    ::dprintf(2, "%s", std::strerror(errno));
    return 127;
  }));
  theirs.reset();
  constexpr std::size_t kMost = 64U << 10;
  std::string said = NUCLEUS_TRY(sys::read_all(ours.get(), words.front(), kMost));
  const auto status = NUCLEUS_TRY(child.wait());
  if (status.code == 0 && status.signal == 0) return {};
  std::ranges::replace(said, '\n', ' ');
  while (said.ends_with(' ')) said.pop_back();
  return fail(Kind::runtime, 0, "start", subject, words.front() + " says: " + said + kCure);
}

Result<> hand_over(int listener, const Handed& handed, const std::string& subject) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd due{.fd = listener, .events = POLLIN, .revents = 0};
    const int found = ::poll(&due, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) {
      return fail(Kind::runtime, found < 0 ? errno : ETIMEDOUT, "start", subject,
                  "it has not asked for its request: journalctl may know why");
    }
    const sys::UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid() || !is_our_user(client.get())) continue;
    return control::send_packet(client.get(), "request", {handed[0].get(), handed[1].get()});
  }
}

}  // namespace

Result<> start_unit(const Unit& unit, const Handed& handed) {
  const std::string unit_name = "nucleus-" + unit.id + ".service";
  const std::string subject = "the unit " + unit_name;
  if (::access("/run/systemd/system", F_OK) < 0) {
    return fail(Kind::usage, errno, "start", subject,
                "systemd does not run here: leave --supervisor out");
  }
  const std::string program = NUCLEUS_TRY(find_program(subject));
  const std::string own = NUCLEUS_TRY(own_path());
  const std::string name = NUCLEUS_TRY(new_name(unit.id));
  const sys::UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  // An abstract name leaves nothing behind. Both ends ask for the other's user, so that it need not
  // be a secret.
  const auto address = sys::UnixAddress::abstract(name);
  if (!address) return fail(Kind::runtime, ENAMETOOLONG, "make a socket to", subject);
  if (!listener.valid() || ::bind(listener.get(), address->get(), address->size()) < 0 ||
      ::listen(listener.get(), 4) < 0)
    return fail(Kind::runtime, errno, "make", "a socket to the supervisor");
  std::vector<std::string> words = {
      program, "--quiet", "--collect", "--unit=" + unit_name, "--description=" + unit.description,
      "--service-type=exec",
      // The container's cgroup is below its own, and its limits are nucleus': it ends the
      // container.
      "--property=Delegate=yes", "--property=TasksMax=infinity", "--property=KillMode=mixed",
      "--property=TimeoutStopSec=" + std::to_string(unit.stop_seconds)};
  if (::geteuid() != 0) words.emplace_back("--user");
  for (const std::string& word : {std::string("--"), own, std::string(kSupervisorWord), name})
    words.push_back(word);
  // The one of the run before may be on its way out.
  constexpr int kTries = 50;
  constexpr unsigned kBetweenUsec = 100'000;
  for (int left = kTries;; --left) {
    const auto started = run_program(words, subject);
    if (started) return hand_over(listener.get(), handed, subject);
    if (left == 0 || !started.error().hint.contains(" already ")) return started;
    ::usleep(kBetweenUsec);
  }
}

Result<Handed> take_handed(const std::string& address) {
  const sys::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto to = sys::UnixAddress::abstract(address);
  if (!to || !socket.valid() || ::connect(socket.get(), to->get(), to->size()) < 0)
    return fail(Kind::runtime, errno, "reach", "the nucleus that has started this unit");
  if (!is_our_user(socket.get()))
    return fail(Kind::runtime, EPERM, "trust", "the nucleus that has started this unit");
  auto packet = NUCLEUS_TRY(control::receive_packet(socket.get()));
  if (!packet || packet->fds.size() != 2)
    return fail(Kind::runtime, EPROTO, "understand", "the nucleus that has started this unit");
  return Handed{std::move(packet->fds[0]), std::move(packet->fds[1])};
}

}  // namespace nucleus::supervisor
