#include "faults/leftovers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(directory, code))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

// Without the numbers of the mounts, which another mount namespace has others of.
std::vector<std::string> mount_points() {
  std::vector<std::string> found;
  std::ifstream lines("/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    std::size_t at = 0;
    for (int field = 0; field < 4; ++field) at = line.find(' ', at) + 1;
    found.push_back(line.substr(at, line.find(' ', at) - at));
  }
  std::ranges::sort(found);
  return found;
}

std::string listed(const std::string& what, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += what + " " + name + "\n";
  return text;
}

// Whether every id range can be had: a lock that is still held belongs to somebody who should be
// gone.
bool ranges_are_free(const std::string& state) {
  const int fd = ::open((state + "/ids.lock").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return true;
  struct flock all{};
  all.l_type = F_WRLCK;
  const bool asked = ::fcntl(fd, F_OFD_GETLK, &all) == 0;
  ::close(fd);
  return asked && all.l_type == F_UNLCK;
}

std::vector<std::string> kept(const std::string& state) {
  std::vector<std::string> all = names_in(state + "/state");
  for (const std::string& name : names_in(state + "/by-name")) all.push_back("name " + name);
  return all;
}

}  // namespace

std::vector<std::string> near_cgroups() {
  static const std::set<std::string> places = [] {
    std::set<std::string> found;
    std::ifstream lines("/proc/self/mountinfo");
    std::vector<std::string> mounts;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" - cgroup") == std::string::npos) continue;
      std::size_t at = 0;
      for (int field = 0; field < 4; ++field) at = line.find(' ', at) + 1;
      mounts.push_back(line.substr(at, line.find(' ', at) - at));
    }
    std::ifstream own("/proc/self/cgroup");
    for (std::string line; std::getline(own, line);) {
      const std::string path = line.substr(line.find(':', line.find(':') + 1) + 1);
      for (const std::string& mount : mounts) {
        found.insert(mount);
        if (path != "/" && fs::is_directory(mount + path)) found.insert(mount + path);
      }
    }
    return found;
  }();
  std::vector<std::string> cgroups;
  for (const std::string& place : places) {
    for (const std::string& name : names_in(place)) {
      std::string path = place;
      path.append("/").append(name);
      if (name.starts_with("nucleus-") && name.size() == 24 && !was_there_before(path))
        cgroups.push_back(std::move(path));
    }
  }
  return cgroups;
}

Leftovers::Leftovers(const Sandbox& sandbox)
    : sandbox_(sandbox), files_(names_in(sandbox.home())), mounts_(mount_points()) {}

std::string Leftovers::found() const {
  std::string text;
  if (!kept(sandbox_.state()).empty()) {
    const Ended pruned = sandbox_.call({"prune"});
    if (pruned.code != 0) text += "prune: " + pruned.all() + "\n";
    text += listed("after prune:", kept(sandbox_.state()));
  }
  if (!ranges_are_free(sandbox_.state())) text += "an id range is still locked\n";
  for (const std::string& path : near_cgroups()) {
    // One on its way out, perhaps.
    if (!eventually([&] { return !fs::exists(path); })) text += "cgroup " + path + "\n";
  }
  const std::vector<std::string> files = names_in(sandbox_.home());
  if (files != files_) text += listed("file", files);
  if (mount_points() != mounts_) text += "mounts have changed\n";
  return text;
}

}  // namespace nucleus::test
