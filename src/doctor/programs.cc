// Other people's programs that some flags and verbs use. None of them is needed for a container.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "doctor/probes.h"
#include "sys/process.h"

namespace nucleus::doctor {
namespace {

struct Program {
  const char* name;
  const char* purpose;
  const char* package;
};
constexpr Program kPrograms[] = {
    {.name = "criu", .purpose = "checkpoints", .package = "criu"},
    {.name = "runsc", .purpose = "gVisor", .package = "runsc"},
    {.name = "nft", .purpose = "networks with rules", .package = "nftables"},
    {.name = "pasta", .purpose = "networks without root", .package = "passt"},
    {.name = "slirp4netns", .purpose = "networks without root", .package = "slirp4netns"},
};
constexpr auto kPatience = std::chrono::seconds(2);

std::string on_path(const std::string& name) {
  const char* const path = std::getenv("PATH");
  // Where administration programs are is on few users' PATH.
  const std::string all = std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin:/usr/bin";
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find(':', at), all.size());
    std::string file = all.substr(at, end - at) + "/" + name;
    at = end + 1;
    struct stat info{};
    if (file.starts_with('/') && ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(file.c_str(), X_OK) == 0)
      return file;
  }
  return {};
}

// The first line that it prints; nothing when it takes long, or fails.
std::optional<std::string> version_of(const std::string& file) {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::nullopt;
  const sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  auto child = sys::fork_child([&] {
    const sys::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid()) return 127;
    ::dup2(null.get(), STDIN_FILENO);
    ::dup2(writer.get(), STDOUT_FILENO);
    ::dup2(null.get(), STDERR_FILENO);
    ::execl(file.c_str(), file.c_str(), "--version", nullptr);
    return 127;
  });
  writer.reset();
  if (!child) return std::nullopt;
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (bool open = true; open && text.size() < 4096;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{.fd = reader.get(), .events = POLLIN, .revents = 0};
    // Its destructor ends a program that does not.
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0)
      return std::nullopt;
    char buffer[512];
    const ssize_t got = ::read(reader.get(), buffer, sizeof buffer);
    open = got > 0;
    if (open) text.append(buffer, static_cast<std::size_t>(got));
  }
  const auto status = child->wait();
  if (!status || status->code != 0 || status->signal != 0) return std::nullopt;
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::vector<Item> look_for_programs() {
  std::vector<Item> items;
  for (const Program& program : kPrograms) {
    Item item{.id = program.name, .found = ""};
    const std::string file = on_path(program.name);
    if (file.empty()) {
      item.status = Status::missing;
      item.found = std::string("not on PATH; it is for ") + program.purpose;
      item.fix = std::string("apt-get install ") + program.package;
    } else if (const auto version = version_of(file)) {
      item.found = file + ": " + *version;
    } else {
      item.status = Status::weak;
      item.found = file + ": it does not tell its version";
    }
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace nucleus::doctor
