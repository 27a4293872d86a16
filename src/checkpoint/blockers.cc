#include "checkpoint/blockers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {
namespace {

// Larger ones CRIU saves only when it is told to.
constexpr std::uint64_t kLargestDeleted = 1U << 20;

struct Known {
  std::string_view begin, what, cure;
};
constexpr Known kAnonymous[] = {
    {"anon_inode:[io_uring]", "an io_uring", "let the program use epoll instead"},
    {"anon_inode:[perf_event]", "a performance counter", "let it be closed"},
    {"anon_inode:[userfaultfd]", "memory whose faults it handles itself", "let it be closed"},
    {"anon_inode:bpf", "an object of BPF's", "let it be closed"},
    {"anon_inode:[landlock-ruleset]", "a Landlock ruleset", "let it be closed"},
    {"anon_inode:seccomp notify", "a seccomp listener", "let it be closed"},
    {"anon_inode:kvm", "a virtual machine", "let it end"},
    {"/dev/fuse", "a file system in user space", "let it be unmounted"},
    {"/dev/nvidia", "a GPU", "let it be closed: what is in its memory is not saved"},
    {"/dev/dri/", "a GPU", "let it be closed: what is in its memory is not saved"},
    {"/dev/kfd", "a GPU", "let it be closed: what is in its memory is not saved"},
    {"/dev/mqueue/", "a message queue", "let it be closed"},
};

// Devices that hold nothing of a process'.
constexpr std::string_view kPlain[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                       "/dev/random", "/dev/urandom", "/dev/tty",
                                       "/dev/ptmx",   "/dev/pts/",    "/dev/net/tun"};

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string of(pid_t pid) { return "/proc/" + std::to_string(pid); }

bool is_gone(int errnum) { return errnum == ESRCH || errnum == ENOENT || errnum == EBADF; }

// A second descriptor of the same socket tells all that its owner could ask.
Result<std::optional<Socket>> look_at_socket(int pidfd, int fd, pid_t pid) {
  const sys::UniqueFd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, fd, 0)));
  if (!socket.valid() && is_gone(errno)) return std::nullopt;
  if (!socket.valid()) {
    return fail(Kind::runtime, errno, "look at descriptor " + std::to_string(fd) + " of process",
                std::to_string(pid), errno == EPERM ? "only root may" : "");
  }
  Socket found;
  socklen_t size = sizeof found.family;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &found.family, &size) < 0)
    return fail(Kind::runtime, errno, "look at a socket of process", std::to_string(pid));
  tcp_info info{};
  size = sizeof info;
  const bool ip = found.family == AF_INET || found.family == AF_INET6;
  if (ip && ::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
    found.connected = info.tcpi_state != TCP_CLOSE && info.tcpi_state != TCP_LISTEN;
  ucred peer{};
  size = sizeof peer;
  if (found.family == AF_UNIX &&
      ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
    found.peer = peer.pid;
  constexpr unsigned long kSocketsNamespace = 0x894C;  // SIOCGSKNS
  const sys::UniqueFd space(::ioctl(socket.get(), kSocketsNamespace));
  struct stat its{};
  struct stat own{};
  found.outside = space.valid() && ::fstat(space.get(), &its) == 0 &&
                  ::stat((of(pid) + "/ns/net").c_str(), &own) == 0 && its.st_ino != own.st_ino;
  return found;
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code code;
  for (std::filesystem::directory_iterator at(path, code), end; !code && at != end;
       at.increment(code))
    names.push_back(at->path().filename());
  if (code && code.value() != ENOENT && code.value() != ESRCH)
    return fail(Kind::runtime, code.value(), "look at", path);
  std::ranges::sort(names, [](const std::string& one, const std::string& other) {
    return one.size() != other.size() ? one.size() < other.size() : one < other;
  });
  return names;
}

Result<std::optional<Descriptor>> look(int pidfd, pid_t pid, const std::string& name) {
  const std::string path = of(pid) + "/fd/" + name;
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  struct stat info{};
  if (size < 0 || ::stat(path.c_str(), &info) < 0) return std::nullopt;
  Descriptor descriptor;
  descriptor.link.assign(text.data(), static_cast<std::size_t>(size));
  descriptor.device = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
  descriptor.size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
  if (S_ISSOCK(info.st_mode)) {
    descriptor.socket = NUCLEUS_TRY(look_at_socket(pidfd, number<int>(name).value_or(-1), pid));
  }
  const auto about = sys::read_file_at(AT_FDCWD, of(pid) + "/fdinfo/" + name);
  descriptor.locked = about && about->find("\nlock:\t") != std::string::npos;
  return descriptor;
}

void look_at_state(pid_t pid, std::vector<Blocker>& found) {
  const auto status = sys::read_file_at(AT_FDCWD, of(pid) + "/status");
  if (!status) return;
  constexpr std::string_view kTracer = "\nTracerPid:\t";
  const std::size_t at = status->find(kTracer);
  if (at == std::string::npos) return;
  const auto tracer = number<pid_t>(std::string_view(*status).substr(at + kTracer.size()));
  if (!tracer || *tracer == 0) return;
  found.push_back({.pid = pid,
                   .where = "the process",
                   .what = "it is traced by process " + std::to_string(*tracer),
                   .cure = "let the debugger detach"});
}

std::optional<Obstacle> obstacle_of_socket(const Socket& socket, std::span<const pid_t> processes) {
  constexpr int kSaved[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
  const std::string close = "let it be closed";
  if (std::ranges::find(kSaved, socket.family) == std::end(kSaved)) {
    return Obstacle{
        .what = "a socket of family " + std::to_string(socket.family) + ", which is not saved",
        .cure = close};
  }
  if (socket.outside)
    return Obstacle{.what = "a socket from outside of the container", .cure = close};
  if (socket.connected) return Obstacle{.what = "a connection by TCP", .cure = close};
  if (socket.peer != 0 && std::ranges::find(processes, socket.peer) == processes.end()) {
    return Obstacle{.what = "a unix socket to process " + std::to_string(socket.peer) +
                            " outside of the container",
                    .cure = close};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Obstacle> obstacle_of(const Descriptor& descriptor,
                                    std::span<const pid_t> processes) {
  const std::string_view link = descriptor.link;
  for (const Known& known : kAnonymous) {
    if (link.starts_with(known.begin))
      return Obstacle{.what = std::string(known.what), .cure = std::string(known.cure)};
  }
  if (descriptor.socket) return obstacle_of_socket(*descriptor.socket, processes);
  const bool plain = std::ranges::any_of(
      kPlain, [&](std::string_view device) { return link.starts_with(device); });
  if (descriptor.device && !plain) {
    return Obstacle{.what = "the device " + descriptor.link,
                    .cure = "let it be closed: what a driver holds is not saved"};
  }
  if (link.ends_with(" (deleted)") && !link.starts_with("/memfd:") &&
      descriptor.size > kLargestDeleted) {
    return Obstacle{.what = "a deleted file of " + std::to_string(descriptor.size) + " bytes",
                    .cure = "let it be closed"};
  }
  if (descriptor.locked)
    return Obstacle{.what = "a lock on " + descriptor.link, .cure = "let it be given back"};
  return std::nullopt;
}

Result<std::vector<Blocker>> find_blockers(std::span<const pid_t> processes,
                                           std::optional<pid_t> init) {
  std::vector<Blocker> found;
  for (const pid_t pid : processes) {
    if (pid == init) continue;
    const sys::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid() && is_gone(errno)) continue;
    if (!pidfd.valid()) return fail(Kind::runtime, errno, "look at process", std::to_string(pid));
    look_at_state(pid, found);
    for (const std::string& name : NUCLEUS_TRY(names_in(of(pid) + "/fd"))) {
      const auto descriptor = NUCLEUS_TRY(look(pidfd.get(), pid, name));
      if (!descriptor) continue;
      if (auto obstacle = obstacle_of(*descriptor, processes)) {
        found.push_back({.pid = pid,
                         .where = "descriptor " + name,
                         .what = std::move(obstacle->what),
                         .cure = std::move(obstacle->cure)});
      }
    }
  }
  return found;
}

}  // namespace nucleus::checkpoint
