#include "cli/hints.h"

#include <string_view>

#include "config/nearest.h"

namespace nucleus::cli {
namespace {

struct Instead {
  std::string_view flag;
  const char* use;
};

constexpr Instead kDocker[] = {
    {"--annotation", "use --label"},
    {"--attach", "the streams are always passed on"},
    {"--cap-drop", "every capability is dropped already: leave it out"},
    {"--cgroup-parent", "containers lie below nucleus' own cgroup: start nucleus in another"},
    {"--cgroupns", "a cgroup namespace is always there"},
    {"--cpu-period", "use --cpus, such as --cpus 1.5"},
    {"--cpu-quota", "use --cpus, such as --cpus 1.5"},
    {"--cpu-shares", "use --cpu-weight: 100 is the usual, as 1024 shares are"},
    {"-c", "use --cpu-weight: 100 is the usual, as 1024 shares are"},
    {"--device-read-bps", "use --io-limit 'MAJOR:MINOR rbps=N'"},
    {"--device-read-iops", "use --io-limit 'MAJOR:MINOR riops=N'"},
    {"--device-write-bps", "use --io-limit 'MAJOR:MINOR wbps=N'"},
    {"--device-write-iops", "use --io-limit 'MAJOR:MINOR wiops=N'"},
    {"--expose", "the container's network has nobody to expose a port to"},
    {"-P", "the container's network has nobody to publish a port to"},
    {"-p",
     "the container's network has nobody to publish a port to; --network host shares the host's"},
    {"--publish",
     "the container's network has nobody to publish a port to; --network host shares the host's"},
    {"--gpus", "devices of the host are not shown inside"},
    {"--group-add", "use --additional-group"},
    {"-h", "use --hostname; --help shows the flags"},
    {"--health-on-failure", "use --health-action"},
    {"--health-start-interval", "in its start period it is looked at every second"},
    {"--ipc", "an IPC namespace of its own is always there"},
    {"--label-file", "use --label for each"},
    {"-l", "use --label"},
    {"--net", "use --network"},
    {"--no-healthcheck", "there is none unless a --health flag asks for it: leave it out"},
    {"--oom-kill-disable", "what exceeds --memory is killed: raise it"},
    {"--pid", "a pid namespace of its own is always there"},
    {"--pids-limit", "use --pids"},
    {"--platform", "programs of this machine's architecture run"},
    {"--privileged", "there is no such mode; --cap-add keeps single capabilities"},
    {"--pull", "there are no images: use --rootfs DIR"},
    {"--quiet", "nothing is printed but the command's own output: leave it out"},
    {"--security-opt", "no_new_privs, seccomp and Landlock are always on"},
    {"--sdnotify", "use --sd-notify"},
    {"--sig-proxy", "signals are always passed on"},
    {"--uts", "a host name of its own is always there"},
    {"--userns-remap", "a user namespace is always there"},
    {"--volumes-from", "use --volume for each"},
};

}  // namespace

std::string hint_for(const std::string& flag, const std::vector<std::string>& known) {
  const std::string name = flag.substr(0, flag.find('='));
  for (const Instead& docker : kDocker) {
    if (name == docker.flag) return docker.use;
  }
  const std::string near = config::nearest(name, known);
  return near.empty() ? "" : "did you mean " + near + "?";
}

}  // namespace nucleus::cli
