#include "container/host_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sys/file.h"

namespace nucleus::container {
namespace {

pid_t number(std::string_view text) {
  pid_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void for_each_process(const std::function<void(const std::string& directory, pid_t pid)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir("/proc"), &::closedir);
  if (!entries) return;
  while (const dirent* const entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") == std::string::npos)
      visit("/proc/" + name, number(name));
  }
}

pid_t parent_of(const std::string& directory) {
  const auto stat = sys::read_file_at(AT_FDCWD, directory + "/stat");
  // proc(5): "PID (NAME) STATE PPID", and the name may hold anything.
  const std::size_t bracket = stat ? stat->rfind(')') : std::string::npos;
  if (bracket == std::string::npos || bracket + 4 >= stat->size()) return -1;
  return number(std::string_view(*stat).substr(bracket + 4));
}

bool reap_all() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    if (pid == 0) return false;
    if (pid < 0 && errno != EINTR) return true;
  }
}

}  // namespace

bool may_change_ids() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) < 0) return false;
  return std::ranges::all_of(std::array{CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_SETPCAP},
                             [&](int each) { return (sets[0].effective >> each & 1) != 0; });
}

std::uint64_t threads_of(std::uint32_t uid) {
  std::uint64_t count = 0;
  for_each_process([&](const std::string& directory, pid_t) {
    struct stat info{};
    if (::stat(directory.c_str(), &info) < 0 || info.st_uid != uid) return;
    // Each thread is a directory here, and so are "." and "..".
    const bool counted = ::stat((directory + "/task").c_str(), &info) == 0 && info.st_nlink > 2;
    count += counted ? info.st_nlink - 2 : 1;
  });
  return count;
}

Result<> become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
    return fail(Kind::runtime, errno, "become the reaper of", "the command's processes");
  return {};
}

void end_orphans() {
  while (!reap_all()) {
    for_each_process([](const std::string& directory, pid_t pid) {
      // Ours until we reap it: the number cannot be another's.
      if (parent_of(directory) == ::getpid()) ::kill(pid, SIGKILL);
    });
    ::usleep(1000);
  }
}

}  // namespace nucleus::container
