#include "resources/hierarchy.h"

#include <fcntl.h>

#include <string_view>
#include <vector>

#include "sys/file.h"

namespace nucleus::resources {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// The path of our cgroup below what is mounted: a container around us may show only a part of the
// tree.
std::string below_mount(const std::string& mount, std::string_view mounted_root,
                        std::string_view path) {
  if (mounted_root != "/" && path.starts_with(mounted_root))
    path.remove_prefix(mounted_root.size());
  // A path that begins with ".." lies outside our cgroup namespace: the mount's own root is all
  // that can be used.
  if (path.starts_with("/..")) path = "";
  return path == "/" ? mount : mount + std::string(path);
}

struct Mount {
  std::string root, where, options;
  bool v2 = false;
};

std::vector<Mount> cgroup_mounts(const std::string& mountinfo) {
  std::vector<Mount> mounts;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto after = split(line.substr(dash + 3), ' ');
    if (after.size() < 3 || (after[0] != "cgroup" && after[0] != "cgroup2")) continue;
    const auto before = split(line.substr(0, dash), ' ');
    if (before.size() < 5) continue;
    mounts.push_back({.root = std::string(before[3]),
                      .where = std::string(before[4]),
                      .options = std::string(after[2]),
                      .v2 = after[0] == "cgroup2"});
  }
  return mounts;
}

}  // namespace

Hierarchy parse_hierarchy(const std::string& mountinfo, const std::string& cgroup) {
  Hierarchy hierarchy;
  const std::vector<Mount> mounts = cgroup_mounts(mountinfo);
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    for (const Mount& mount : mounts) {
      if (controllers.empty()) {
        if (mount.v2 && hierarchy.v2.mount.empty()) {
          hierarchy.v2 = {.mount = mount.where, .own = below_mount(mount.where, mount.root, path)};
          // What an earlier start has moved us into: the delegated cgroup is the one above.
          if (hierarchy.v2.own.ends_with(kSupervisorLeaf)) {
            hierarchy.v2.own.resize(hierarchy.v2.own.size() - kSupervisorLeaf.size());
          }
        }
        continue;
      }
      if (mount.v2) continue;
      for (const std::string_view option : split(mount.options, ',')) {
        for (const std::string_view controller : split(controllers, ',')) {
          if (option != controller || controller.starts_with("name=")) continue;
          hierarchy.v1.try_emplace(
              std::string(controller),
              Mounted{.mount = mount.where, .own = below_mount(mount.where, mount.root, path)});
        }
      }
    }
  }
  return hierarchy;
}

Result<Hierarchy> read_hierarchy() {
  const std::string mountinfo =
      NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, "/proc/self/mountinfo", 16U << 20));
  const std::string cgroup = NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, "/proc/self/cgroup"));
  return parse_hierarchy(mountinfo, cgroup);
}

}  // namespace nucleus::resources
