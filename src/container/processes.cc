#include "container/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "container/inside.h"
#include "spec/accounts.h"
#include "sys/file.h"

namespace nucleus::container {
namespace {

// What follows "KEY:" in a status file, to the end of its line.
std::optional<std::string> line_of(const std::string& status, const std::string& key) {
  const std::string wanted = "\n" + key + ":";
  const std::size_t at = status.find(wanted);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + wanted.size();
  return status.substr(begin, std::min(status.find('\n', begin), status.size()) - begin);
}

std::optional<Process> read_process(const std::string& pid) {
  const std::string directory = "/proc/" + pid;
  const auto status = sys::read_file_at(AT_FDCWD, directory + "/status");
  const auto stat = sys::read_file_at(AT_FDCWD, directory + "/stat");
  const auto cmdline = sys::read_file_at(AT_FDCWD, directory + "/cmdline", 16U << 20);
  if (!status || !stat || !cmdline) return std::nullopt;
  return parse_process(*status, *stat, *cmdline);
}

std::map<pid_t, Process> all_processes() {
  std::map<pid_t, Process> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir("/proc"), &::closedir);
  while (entries != nullptr) {
    const dirent* const entry = ::readdir(entries.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (auto process = read_process(name)) found.emplace(process->host_pid, std::move(*process));
  }
  return found;
}

}  // namespace

std::optional<Process> parse_process(const std::string& status, const std::string& stat,
                                     const std::string& cmdline) {
  Process process;
  const auto parent = line_of(status, "PPid");
  const auto uids = line_of(status, "Uid");
  const auto pids = line_of(status, "NSpid");
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');  // the name may hold brackets
  if (!parent || !uids || !pids || open == std::string::npos || close == std::string::npos)
    return std::nullopt;
  std::istringstream(*parent) >> process.host_parent;
  std::uint32_t real = 0;
  std::istringstream(*uids) >> real >> process.host_uid;
  std::istringstream numbers(*pids);
  for (pid_t pid = 0; numbers >> pid;) process.pids.push_back(pid);
  if (process.pids.empty()) return std::nullopt;
  process.host_pid = process.pids.front();
  if (const auto resident = line_of(status, "VmRSS")) {
    std::uint64_t kib = 0;
    std::istringstream(*resident) >> kib;
    process.memory_bytes = kib << 10U;
  }
  process.name = stat.substr(open + 1, close - open - 1);
  std::istringstream rest(stat.substr(close + 1));
  rest >> process.state;
  std::string passed;
  for (int field = 4; field < 14; ++field) rest >> passed;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (!(rest >> user >> system)) return std::nullopt;
  process.cpu_msec = (user + system) * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  for (std::size_t at = 0; at < cmdline.size();) {
    const std::size_t end = std::min(cmdline.find('\0', at), cmdline.size());
    process.command.push_back(cmdline.substr(at, end - at));
    at = end + 1;
  }
  return process;
}

std::optional<std::uint32_t> inside_id(const std::string& map, std::uint32_t outside) {
  std::istringstream lines(map);
  std::uint64_t inside = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  while (lines >> inside >> first >> count) {
    if (outside >= first && outside - first < count)
      return static_cast<std::uint32_t>(inside + (outside - first));
  }
  return std::nullopt;
}

std::vector<Process> processes_of(pid_t supervisor, pid_t init) {
  std::vector<Process> list;
  const std::map<pid_t, Process> all = all_processes();
  const auto first = all.find(init);
  if (first == all.end()) return list;
  const std::size_t level = first->second.pids.size();
  const std::string map =
      sys::read_file_at(AT_FDCWD, "/proc/" + std::to_string(init) + "/uid_map").value_or("");
  const std::string passwd = read_inside(init, "etc/passwd").value_or("");
  // Its parent is another one where somebody stands by for the supervisor.
  std::set<pid_t> members = {supervisor};
  if (first->second.host_parent > 1) members.insert(first->second.host_parent);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, process] : all) {
      if (members.contains(process.host_parent)) grown = members.insert(pid).second || grown;
    }
  }
  for (const auto& [pid, process] : all) {
    if (!members.contains(pid) || process.pids.size() < level) continue;
    Process& kept = list.emplace_back(process);
    kept.pid = kept.pids[level - 1];
    const auto parent = all.find(kept.host_parent);
    if (parent != all.end() && parent->second.pids.size() >= level)
      kept.parent = parent->second.pids[level - 1];
    kept.uid = inside_id(map, kept.host_uid);
    kept.user = kept.uid ? spec::user_name(passwd, *kept.uid).value_or(std::to_string(*kept.uid))
                         : std::to_string(kept.host_uid) + " (outside)";
  }
  return list;
}

}  // namespace nucleus::container
