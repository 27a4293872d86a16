#include "container/preview.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "container/decision.h"
#include "container/invariants.h"
#include "container/record.h"
#include "container/state_root.h"
#include "security/seccomp/filter.h"
#include "spec/names.h"
#include "spec/syscalls.h"

namespace nucleus::container {
namespace {

using spec::MountVerb;

struct Named {
  std::uint64_t bit;
  const char* name;
};

constexpr Named kNamespaces[] = {{CLONE_NEWUSER, "user"},    {CLONE_NEWPID, "pid"},
                                 {CLONE_NEWNS, "mnt"},       {CLONE_NEWNET, "net"},
                                 {CLONE_NEWUTS, "uts"},      {CLONE_NEWIPC, "ipc"},
                                 {CLONE_NEWCGROUP, "cgroup"}};

constexpr Named kAttributes[] = {{MOUNT_ATTR_RDONLY, "ro"},
                                 {MOUNT_ATTR_NOSUID, "nosuid"},
                                 {MOUNT_ATTR_NODEV, "nodev"},
                                 {MOUNT_ATTR_NOEXEC, "noexec"}};

const char* verb_name(MountVerb verb) {
  switch (verb) {
    case MountVerb::directory: return "directory";
    case MountVerb::file: return "file";
    case MountVerb::symlink: return "symlink";
    case MountVerb::tmpfs: return "tmpfs";
    case MountVerb::proc: return "proc";
    case MountVerb::sysfs: return "sysfs";
    case MountVerb::cgroup: return "cgroup2";
    case MountVerb::devpts: return "devpts";
    case MountVerb::mqueue: return "mqueue";
    case MountVerb::bind: return "bind";
    case MountVerb::bind_inside: return "mask";
    case MountVerb::hide_directory: return "hide";
    case MountVerb::write: return "write";
    case MountVerb::tree: return "bind";
    case MountVerb::overlay: return "overlay";
    case MountVerb::enter: return "enter";
    case MountVerb::attributes: return "remount";
    case MountVerb::attributes_rec: return "remount-all";
    case MountVerb::own: return "own";
    case MountVerb::socket: return "socket";
    case MountVerb::fill: return "copy";
  }
  return "?";
}

void append(std::string& text, const std::string& word) {
  if (!word.empty()) text += (text.empty() ? "" : ",") + word;
}

std::string attributes(std::uint64_t bits) {
  std::string text;
  for (const Named& attribute : kAttributes) {
    if ((bits & attribute.bit) != 0) append(text, attribute.name);
  }
  return text;
}

// What is in a file may be a secret: its size is told.
std::string detail_of(const filesystem::MountOp& op) {
  std::string text;
  if (op.verb == MountVerb::file) {
    append(text, std::to_string(op.text.size()) + " bytes");
  } else {
    if (!op.source.empty()) append(text, "from " + op.source);
    append(text, op.text);
  }
  append(text, attributes(op.attributes));
  if ((op.flags & spec::kOptional) != 0) append(text, "if there");
  if (!op.flag.empty()) append(text, "for " + op.flag);
  return text;
}

std::string ranges(const std::vector<isolation::IdRange>& list) {
  std::string text;
  for (const isolation::IdRange& range : list) {
    append(text, std::to_string(range.inside) + "-" +
                     std::to_string(std::uint64_t{range.inside} + range.count - 1) + " are " +
                     std::to_string(range.outside) + "-" +
                     std::to_string(std::uint64_t{range.outside} + range.count - 1));
  }
  return text;
}

std::string number(rlim_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}

PreviewPart namespaces(const launch::LaunchPlan& plan) {
  PreviewPart part{.name = "namespaces", .steps = {}};
  for (const Named& space : kNamespaces) {
    if ((plan.clone_flags & space.bit) != 0)
      part.steps.push_back({.step = "new", .object = space.name, .detail = ""});
  }
  if (plan.spec->clocks) {
    std::string offsets = plan.clocks;
    for (char& letter : offsets) letter = letter == '\n' ? ',' : letter;
    if (!offsets.empty()) offsets.pop_back();
    part.steps.push_back({.step = "new", .object = "time", .detail = offsets});
  }
  return part;
}

PreviewPart ids(const isolation::IdMaps& maps, bool leased) {
  PreviewPart part{.name = "ids", .steps = {}};
  if (maps.writer == isolation::MapWriter::none) return part;
  const std::string suffix = leased ? " (or the next free range)" : "";
  part.steps.push_back({.step = "map", .object = "uid", .detail = ranges(maps.uids) + suffix});
  part.steps.push_back({.step = "map", .object = "gid", .detail = ranges(maps.gids) + suffix});
  if (maps.deny_setgroups)
    part.steps.push_back({.step = "deny", .object = "setgroups", .detail = ""});
  return part;
}

PreviewPart devices(const spec::ContainerSpec& spec, const filesystem::Sources& identities) {
  PreviewPart part{.name = "devices", .steps = {}};
  for (std::size_t index = 0; index < spec.devices.size(); ++index) {
    const spec::Device& device = spec.devices[index];
    const resources::DeviceRule rule{.major = gnu_dev_major(identities.devices[index].number),
                                     .minor = gnu_dev_minor(identities.devices[index].number),
                                     .block = identities.devices[index].block,
                                     .read = device.read,
                                     .write = device.write};
    part.steps.push_back({.step = "device",
                          .object = device.target,
                          .detail = "from " + device.source + "," + rule.text()});
  }
  return part;
}

PreviewPart hooks(const OciHooks& hooks) {
  PreviewPart part{.name = "hooks", .steps = {}};
  for (const auto* list : {&hooks.before, &hooks.poststart, &hooks.poststop}) {
    for (const OciHook& hook : *list) {
      part.steps.push_back({.step = hook.point,
                            .object = hook.path,
                            .detail = "at most " + std::to_string(hook.timeout.count()) + " s"});
    }
  }
  return part;
}

PreviewPart cgroup(const resources::CgroupPlan& plan) {
  PreviewPart part{.name = "cgroup", .steps = {}};
  for (const resources::CgroupDirectory& directory : plan.directories) {
    part.steps.push_back({.step = "directory", .object = directory.path, .detail = ""});
    for (const resources::LimitFile& limit : directory.files)
      part.steps.push_back({.step = "write", .object = limit.file, .detail = limit.value});
    for (const resources::DeviceRule& rule : directory.devices)
      part.steps.push_back({.step = "allow", .object = "device", .detail = rule.text()});
  }
  return part;
}

PreviewPart root(const filesystem::RootPlan& plan) {
  PreviewPart part{.name = "root", .steps = {}};
  for (const filesystem::MountOp& op : plan.ops) {
    const bool again = op.verb == MountVerb::bind_inside && op.source == op.target;
    part.steps.push_back({.step = again ? "rebind" : verb_name(op.verb),
                          .object = op.target == "." ? "/" : "/" + op.target,
                          .detail = detail_of(op)});
  }
  return part;
}

const char* access_name(filesystem::Access access) {
  switch (access) {
    case filesystem::Access::read: return "read, execute";
    case filesystem::Access::devices: return "read, write, ioctl";
    case filesystem::Access::read_write: return "everything but device nodes";
  }
  return "?";
}

PreviewPart seal(const spec::ContainerSpec& spec, const launch::LaunchPlan& plan) {
  PreviewPart part{.name = "seal", .steps = {}};
  const auto add = [&](std::string step, std::string object, std::string detail) {
    part.steps.push_back(
        {.step = std::move(step), .object = std::move(object), .detail = std::move(detail)});
  };
  add("no_new_privs", "", "on");
  add("user", std::to_string(spec.identity.uid) + ":" + std::to_string(spec.identity.gid), "");
  for (const std::uint32_t group : spec.identity.groups) add("group", std::to_string(group), "");
  for (const auto& [resource, value] : plan.rlimits) {
    add("rlimit", spec::ulimit_name(resource),
        number(value.rlim_cur) + ":" + number(value.rlim_max));
  }
  add("session", "", "a new one");
  add("keyring", "", plan.facts.keyrings ? "a new one" : "the caller's");
  if (plan.facts.landlock_abi == 0) {
    add("landlock", "", "none");
  } else {
    add("landlock", "",
        "ABI " + std::to_string(plan.facts.landlock_abi) + ", everything denied but:");
    for (const filesystem::Place& place : plan.root.places)
      add("allow", place.path, access_name(place.access));
  }
  std::string kept;
  for (const int capability : spec.capabilities) append(kept, spec::capability_name(capability));
  add("capabilities", "", kept.empty() ? "none, in any set" : "only " + kept);
  const std::size_t size =
      plan.filter.empty() ? security::seccomp::builtin_filter().size() : plan.filter.size();
  add("seccomp", "", "the built-in allowlist, " + std::to_string(size) + " instructions");
  for (const spec::OptionalCall& call : spec::optional_calls()) {
    if (std::ranges::find(spec.seccomp_allow, call.number) != spec.seccomp_allow.end())
      add("allow", "system call", std::string(call.name));
  }
  return part;
}

// Arguments and environment may carry secrets, but they are the caller's own words.
PreviewPart command(const spec::ContainerSpec& spec, const launch::LaunchPlan& plan) {
  PreviewPart part{.name = "command", .steps = {}};
  part.steps.push_back({.step = "directory", .object = spec.cwd, .detail = ""});
  for (const std::string& item : spec.env)
    part.steps.push_back({.step = "env", .object = item, .detail = ""});
  if (spec.init)
    part.steps.push_back({.step = "init", .object = "PID 1", .detail = "nucleus' own"});
  if (spec.terminal) {
    part.steps.push_back({.step = "terminal", .object = "", .detail = "of the container's own"});
  }
  for (const std::string& path : plan.candidates)
    part.steps.push_back({.step = "look for", .object = path, .detail = ""});
  for (const std::string& word : spec.argv)
    part.steps.push_back({.step = "word", .object = word, .detail = ""});
  if (spec.timeout) {
    part.steps.push_back({.step = "kill after",
                          .object = std::to_string(spec.timeout->count()) + " ms",
                          .detail = ""});
  }
  return part;
}

PreviewPart production(const std::vector<Invariant>& all) {
  PreviewPart part{.name = "production", .steps = {}};
  for (const Invariant& invariant : all) {
    const bool holds = invariant.fault.empty();
    part.steps.push_back(
        {.step = holds ? "holds" : "BROKEN",
         .object = invariant.name,
         .detail = holds ? invariant.demand : invariant.fault + ": " + invariant.cure});
  }
  return part;
}

}  // namespace

Result<Preview> preview(const spec::ContainerSpec& spec, const RunOptions& options) {
  Decision decision;
  const DecisionInput input{.caller = read_caller(),
                            .id = "ID",
                            .report = options.report,
                            .make_volumes = false,
                            .state_root = std::nullopt};
  NUCLEUS_CHECK(decide(spec, input, decision));
  if (spec.shares_host()) NUCLEUS_CHECK(decide_on_host(spec, -1, decision));
  Preview out;
  const bool leased = input.caller.uid == 0 && spec.userns == spec::UserNamespace::separate;
  out.parts = {namespaces(decision.plan), ids(decision.maps, leased), cgroup(decision.cgroup),
               root(decision.plan.root),  seal(spec, decision.plan),  command(spec, decision.plan)};
  if (!spec.devices.empty())
    out.parts.insert(out.parts.begin() + 3, devices(spec, decision.sources.identities));

  if (spec.mode == spec::ServiceMode::production) {
    const auto all = NUCLEUS_TRY(invariants(spec, decision));
    out.parts.push_back(production(all));
    out.refused = std::ranges::any_of(
        all, [](const Invariant& invariant) { return !invariant.fault.empty(); });
  }
  if (!decision.hooks.empty()) out.parts.push_back(hooks(decision.hooks));
  out.notes = std::move(decision.notes);
  return out;
}

}  // namespace nucleus::container
