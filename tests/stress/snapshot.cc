#include "stress/snapshot.h"

#include <filesystem>
#include <fstream>

namespace nucleus::stress {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    names.insert(at->path().filename());
  return names;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Its name, unless it has ended.
std::string living_name(const std::string& pid) {
  const std::string stat = text_of("/proc/" + pid + "/stat");
  const std::size_t begin = stat.find('(');
  const std::size_t end = stat.rfind(')');
  if (begin == std::string::npos || end == std::string::npos || end + 2 >= stat.size()) return {};
  if (stat[end + 2] == 'Z' || stat[end + 2] == 'X') return {};
  return stat.substr(begin + 1, end - begin - 1);
}

std::set<std::string> processes(const std::string& marker) {
  std::set<std::string> found;
  for (const std::string& pid : names_in("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string name = living_name(pid);
    if (name.empty() || name == "nucleus_stress") continue;
    const std::string command = text_of("/proc/" + pid + "/cmdline");
    if (name.starts_with("nucleus") || command.find(marker) != std::string::npos) {
      std::string line = pid;
      found.insert(line.append(" ").append(name));
    }
  }
  return found;
}

void find_cgroups(const std::string& directory, int depth, std::set<std::string>& found) {
  for (const std::string& name : names_in(directory)) {
    std::string path = directory;
    path.append("/").append(name);
    std::error_code code;
    if (!fs::is_directory(fs::symlink_status(path, code))) continue;
    if (name.starts_with("nucleus-")) found.insert(path);
    if (depth > 0) find_cgroups(path, depth - 1, found);
  }
}

std::set<std::string> lines_of(const std::string& path) {
  std::set<std::string> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

void compare(const char* what, const std::set<std::string>& before,
             const std::set<std::string>& after, std::string& text) {
  for (const std::string& item : after) {
    if (!before.contains(item))
      text.append("left: ").append(what).append(" ").append(item).append("\n");
  }
}

}  // namespace

Snapshot Snapshot::take(const std::string& marker, const std::string& root) {
  Snapshot now;
  now.processes = stress::processes(marker);
  find_cgroups("/sys/fs/cgroup", 6, now.cgroups);
  now.mounts = lines_of("/proc/self/mountinfo");
  now.interfaces = names_in("/sys/class/net");
  now.shared_memory = names_in("/dev/shm");
  now.descriptors = names_in("/proc/self/fd");
  for (const char* const place : {"containers", "by-name", "state"}) {
    std::string path = root;
    for (const std::string& name : names_in(path.append("/").append(place))) {
      std::string line = place;
      now.records.insert(line.append("/").append(name));
    }
  }
  return now;
}

std::string Snapshot::added(const Snapshot& later) const {
  std::string text;
  compare("process", processes, later.processes, text);
  compare("cgroup", cgroups, later.cgroups, text);
  compare("mount", mounts, later.mounts, text);
  compare("interface", interfaces, later.interfaces, text);
  compare("shared memory", shared_memory, later.shared_memory, text);
  compare("descriptor", descriptors, later.descriptors, text);
  compare("record", records, later.records, text);
  return text;
}

}  // namespace nucleus::stress
