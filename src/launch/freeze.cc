#include "launch/freeze.h"

#include <fcntl.h>
#include <linux/sched.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "launch/child/handshake.h"
#include "launch/init/config.h"
#include "security/landlock.h"
#include "security/seccomp/filter.h"
#include "sys/file.h"

extern "C" const char nucleus_init_image[];
extern "C" const char nucleus_init_image_end[];

namespace nucleus::launch {
namespace {

namespace landlock = security::landlock;

std::uint64_t rights_of(filesystem::Access access, int abi) {
  switch (access) {
    case filesystem::Access::read: return landlock::kReadRights;
    case filesystem::Access::devices:
      return landlock::rights(abi) & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                      LANDLOCK_ACCESS_FS_WRITE_FILE | sys::uapi::kFsTruncate |
                                      sys::uapi::kFsIoctlDev | LANDLOCK_ACCESS_FS_EXECUTE);
    case filesystem::Access::read_write: return landlock::rights(abi) & ~landlock::kDeviceNodes;
  }
  return 0;
}

child::MountStep frozen(const filesystem::MountOp& op) {
  child::MountStep step;
  step.verb = op.verb;
  step.flags = op.flags;
  step.mode = op.mode;
  step.attributes = op.attributes;
  step.target = op.target.c_str();
  step.source = op.source.c_str();
  step.text = op.text.c_str();
  step.text_size = op.text.size();
  step.device = op.expected.device;
  step.inode = op.expected.inode;
  return step;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(text.c_str());
  out.push_back(nullptr);
  return out;
}

Result<> freeze_landlock(const LaunchPlan& plan, Frozen& frozen) {
  const int abi = plan.facts.landlock_abi;
  child::Script& script = frozen.script;
  script.landlock_size = abi == 0 ? 0 : landlock::ruleset_size(abi);
  script.landlock_rights = landlock::rights(abi);
  script.landlock_scopes = landlock::scopes(abi);
  // Abstract names are each network namespace's own, so that with one there is nothing to take
  // away; and CRIU, which speaks through such a socket from inside, could not save the container.
  if ((plan.clone_flags & CLONE_NEWNET) != 0)
    script.landlock_scopes &= ~sys::uapi::kScopeAbstractUnix;
  // A network namespace of its own is what a program may do as it likes with.
  if (plan.spec->shares_host() && plan.spec->network == spec::NetworkMode::none)
    script.landlock_network = landlock::network_rights(abi);
  script.landlock_stream_rights =
      landlock::file_rights(abi) & ~static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_EXECUTE);
  for (const filesystem::Place& place : plan.root.places) {
    const std::uint64_t rights = rights_of(place.access, abi);
    int fd = -1;
    if (place.fd >= 0) {
      // Above the numbers that the child puts the init's own on.
      fd = ::fcntl(place.fd, F_DUPFD_CLOEXEC, child::kFreeFd);
      if (fd < 0) return fail(Kind::runtime, errno, "keep open", place.path);
      frozen.place_fds.emplace_back(fd);
    }
    frozen.places.push_back({.path = place.path.c_str(),
                             .fd = fd,
                             .rights = rights,
                             .file_rights = rights & landlock::file_rights(abi)});
  }
  script.places = frozen.places.data();
  script.place_count = frozen.places.size();
  return {};
}

}  // namespace

std::string init_config(const std::vector<std::string>& candidates,
                        const std::vector<std::string>& argv, const std::vector<std::string>& envp,
                        InitTasks tasks) {
  init::Config header;
  header.candidates = static_cast<std::uint32_t>(candidates.size());
  header.arguments = static_cast<std::uint32_t>(argv.size());
  header.environment = static_cast<std::uint32_t>(envp.size());
  header.confirm = tasks.confirm ? 1 : 0;
  header.terminal = tasks.terminal ? 1 : 0;
  header.park = tasks.park ? 1 : 0;
  header.preserved = tasks.preserved;
  header.subreaper = tasks.subreaper ? 1 : 0;
  header.slots = header.candidates + header.arguments + header.environment + 3;
  const std::size_t strings_at = sizeof header + header.slots * sizeof(std::uint64_t);
  std::string strings;
  std::vector<std::uint64_t> slots;
  slots.reserve(header.slots);
  for (const auto* list : {&candidates, &argv, &envp}) {
    for (const std::string& text : *list) {
      slots.push_back(strings_at + strings.size());
      strings.append(text.c_str(), text.size() + 1);
    }
    slots.push_back(0);
  }
  header.size = strings_at + strings.size();
  std::string block(strings_at, '\0');
  std::memcpy(block.data(), &header, sizeof header);
  std::memcpy(block.data() + sizeof header, slots.data(), slots.size() * sizeof(std::uint64_t));
  return block + strings;
}

Result<std::unique_ptr<Frozen>> freeze(const LaunchPlan& plan, int child_socket) {
  auto frozen_plan = std::make_unique<Frozen>();
  Frozen& out = *frozen_plan;
  child::Script& script = out.script;
  const spec::ContainerSpec& spec = *plan.spec;
  const bool has_zero =
      isolation::host_id(plan.maps->uids, 0) && isolation::host_id(plan.maps->gids, 0);
  script.socket = child_socket;
  script.setup_uid = has_zero ? 0 : spec.identity.uid;
  script.setup_gid = has_zero ? 0 : spec.identity.gid;
  script.uid = spec.identity.uid;
  script.gid = spec.identity.gid;
  script.may_set_groups = !plan.maps->deny_setgroups;
  script.groups = spec.identity.groups.data();
  script.group_count = spec.identity.groups.size();
  for (const int capability : spec.capabilities) script.capabilities |= 1ULL << capability;
  const bool shares_host = spec.shares_host();
  script.own_root = !shares_host;
  script.drops_bounding_set = !shares_host || script.may_set_groups;
  script.detach_propagation = spec.userns == spec::UserNamespace::host;
  script.raise_loopback = !shares_host && spec.network == spec::NetworkMode::none;
  if (spec.clocks) {
    script.clocks = plan.clocks.c_str();
    script.clocks_size = plan.clocks.size();
  }
  script.host_name = shares_host ? nullptr : spec.hostname.c_str();
  script.host_name_size = spec.hostname.size();
  for (const filesystem::MountOp& op : plan.root.ops) out.steps.push_back(frozen(op));
  script.steps = out.steps.data();
  script.step_count = out.steps.size();
  script.cwd = spec.cwd.c_str();
  script.terminal = spec.terminal;
  script.preserved = spec.preserve_fds;
  script.terminal_device = shares_host ? "/dev/ptmx" : "/dev/pts/ptmx";
  script.rows = plan.rows;
  script.columns = plan.columns;
  for (const auto& [resource, value] : plan.rlimits)
    out.limits.push_back({.resource = resource, .value = value});
  script.limits = out.limits.data();
  script.limit_count = out.limits.size();
  script.join_keyring = plan.facts.keyrings;
  script.last_capability = plan.facts.last_capability;
  NUCLEUS_CHECK(freeze_landlock(plan, out));
  using security::seccomp::Surface;
  const Surface surface = !shares_host                              ? Surface::own_namespaces
                          : spec.network == spec::NetworkMode::host ? Surface::host_with_network
                                                                    : Surface::host;
  const std::span<const sock_filter> filter =
      plan.filter.empty() ? security::seccomp::builtin_filter(surface) : std::span(plan.filter);
  script.filter_asks = shares_host;
  script.filter = filter.data();
  script.filter_size = static_cast<std::uint16_t>(filter.size());
  if (spec.init) {
    const std::string_view image(
        nucleus_init_image, static_cast<std::size_t>(nucleus_init_image_end - nucleus_init_image));
    out.init_image = NUCLEUS_TRY(sys::sealed_memfd("init", image));
    out.init_config = NUCLEUS_TRY(
        sys::sealed_memfd("init-config", init_config(plan.candidates, spec.argv, spec.env,
                                                     {.confirm = plan.read_back,
                                                      .terminal = spec.terminal,
                                                      .park = plan.park,
                                                      .preserved = spec.preserve_fds,
                                                      .subreaper = shares_host})));
    script.init_image = out.init_image.get();
    script.init_config = out.init_config.get();
  } else {
    script.park = plan.park;
    out.candidates = pointers(plan.candidates);
    out.argv = pointers(spec.argv);
    out.envp = pointers(spec.env);
    script.candidates = out.candidates.data();
    script.argv = out.argv.data();
    script.envp = out.envp.data();
  }
  return frozen_plan;
}

Entrances::Entrances(std::vector<resources::Entrance> opened, child::Script& script)
    : opened_(std::move(opened)) {
  for (const resources::Entrance& entrance : opened_)
    plain_.push_back({.fd = entrance.fd.get(), .spare = entrance.spare});
  script.entrances = plain_.data();
  script.entrance_count = plain_.size();
}

}  // namespace nucleus::launch
