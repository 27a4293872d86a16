#include "sys/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <memory>
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
    // The name may hold spaces and brackets.
    const std::size_t at = stat->rfind(')');
    Process process;
    process.pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
    int group = 0;
    if (at != std::string::npos &&
        std::sscanf(stat->c_str() + at + 1, " %c %d %d %d", &process.state, &process.parent, &group,
                    &process.session) == 4)
      found.push_back(process);
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
