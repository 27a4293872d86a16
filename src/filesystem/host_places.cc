#include "filesystem/host_places.h"

#include <unistd.h>

namespace nucleus::filesystem {
namespace {

constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};
// Nothing of any process: of those the numbers, names and arguments would be everybody's.
constexpr const char* kProc[] = {"cpuinfo", "filesystems", "loadavg", "meminfo",
                                 "stat",    "uptime",      "version"};

}  // namespace

RootPlan plan_host_places(const spec::ContainerSpec& spec, const HostView& host,
                          const HostFds& fds) {
  RootPlan plan;
  const auto add = [&](const std::string& path, Access access, int fd = -1) {
    if (fd >= 0 || ::access(path.c_str(), F_OK) == 0)
      plan.places.push_back({.path = path, .access = access, .fd = fd});
  };
  for (const std::string& name : host.directories) add("/" + name, Access::read);
  for (const auto& [name, text] : host.links) add("/" + name, Access::read);
  add("/etc", Access::read);
  for (const char* const name : kDevices) add(std::string("/dev/") + name, Access::devices);
  for (const char* const name : kProc) add(std::string("/proc/") + name, Access::read);
  // Often a link to where a resolver keeps it.
  if (spec.network == spec::NetworkMode::host) add("/etc/resolv.conf", Access::read);
  add(spec.private_directory, Access::read_write, fds.private_directory);
  if (spec.context && spec.context->mode == spec::ContextMode::bind)
    add(spec.context->source, Access::read, fds.context);
  for (std::size_t index = 0; index < spec.volumes.size(); ++index) {
    const spec::Volume& volume = spec.volumes[index];
    add(volume.source, volume.writable ? Access::read_write : Access::read, fds.volumes[index]);
  }
  return plan;
}

}  // namespace nucleus::filesystem
