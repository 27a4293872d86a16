#include "sys/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sys/file.h"

namespace nucleus::sys {
namespace {

struct Process {
  pid_t pid = 0, parent = 0, session = 0;
  char state = '?';
};

// proc(5): "PID (NAME) STATE PARENT GROUP SESSION ..."; the name may hold spaces and brackets.
std::optional<Process> parse(const std::string& name, const std::string& stat) {
  const std::size_t behind = stat.rfind(')');
  if (behind == std::string::npos || behind + 4 > stat.size()) return std::nullopt;
  Process process;
  process.state = stat[behind + 2];
  const char* at = stat.data() + behind + 4;
  const char* const end = stat.data() + stat.size();
  pid_t group = 0;
  for (pid_t* const field : {&process.parent, &group, &process.session}) {
    const auto [next, code] = std::from_chars(at, end, *field);
    if (code != std::errc()) return std::nullopt;
    at = next + 1;
  }
  if (std::from_chars(name.data(), name.data() + name.size(), process.pid).ec != std::errc())
    return std::nullopt;
  return process;
}

std::vector<Process> all_processes() {
  std::vector<Process> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir("/proc"), &::closedir);
  while (entries != nullptr) {
    const dirent* const entry = ::readdir(entries.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto stat = read_file_at(AT_FDCWD, "/proc/" + name + "/stat");
    if (!stat) continue;
    if (const auto process = parse(name, *stat)) found.push_back(*process);
  }
  return found;
}

}  // namespace

void kill_tree(pid_t pid) {
  std::set<pid_t> members = {pid};
  // Each round may find what was forked during the one before.
  for (int round = 0; round < 50; ++round) {
    const auto processes = all_processes();
    bool grown = true;
    while (grown) {
      grown = false;
      for (const Process& process : processes) {
        if (process.session == pid || members.contains(process.parent))
          grown = members.insert(process.pid).second || grown;
      }
    }
    bool living = false;
    for (const Process& process : processes) {
      if (!members.contains(process.pid) || process.state == 'Z' || process.state == 'X') continue;
      living = ::kill(process.pid, SIGKILL) == 0 || living;
    }
    if (!living) return;
  }
}

}  // namespace nucleus::sys
