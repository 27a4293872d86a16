// --isolation: which level, and what cannot be had without namespaces.
#include <utility>

#include <algorithm>

#include "spec/validator.h"

namespace nucleus::spec {

void Validator::level() {
  const std::string text = draft_.isolation.value_or("auto");
  if (text == "full") {
    spec_.isolation = IsolationLevel::full;
  } else if (text == "rootless") {
    spec_.isolation = IsolationLevel::rootless;
  } else if (text == "landlock") {
    spec_.isolation = IsolationLevel::landlock;
    spec_.private_directory = spec_.home = around_.private_directory;
  } else if (text != "auto") {
    refuse("--isolation", text, "use auto, full, rootless or landlock (docs/isolation.md)");
  }
  if (spec_.isolation && draft_.userns == "host") {
    refuse("--userns", "host", "it is less than --isolation " + text + " asks for");
  }
}

void Validator::without_namespaces() {
  const std::pair<const char*, bool> wishes[] = {
      {"--rootfs", draft_.rootfs.has_value()},
      {"--read-only", draft_.read_only.value_or(false)},
      {"--hostname", draft_.hostname.has_value()},
      {"--tmpfs", !draft_.tmpfs.empty()},
      {"--mount type=tmpfs", draft_.tmpfs.empty() && !spec_.tmpfs.empty()},
      {"--shm-size", draft_.shm_size.has_value()},
      {"--secret", !draft_.secrets.empty()},
      {"--systemd-credential", !draft_.credentials.empty()},
      {"--add-host", !draft_.hosts.empty()},
      {"--sysctl", !draft_.sysctls.empty()},
      {"--cap-add", !draft_.cap_add.empty()},
      {"--proc-rw", draft_.proc_rw.value_or(false)},
      {"--device", !draft_.devices.empty()},
      {"--time-namespace", draft_.time_namespace.has_value()},
      {"--seccomp-allow", !draft_.seccomp_allow.empty()},
      {"--allow-degraded landlock", spec_.may_miss.landlock},
      {"--volume NAME",
       std::ranges::any_of(spec_.volumes,
                           [](const Volume& volume) { return !volume.name.empty(); })},
      {"--additional-group", !draft_.groups.empty()},
      {"--health-cmd", draft_.health_cmd.has_value()},
      {"--readiness-exec", draft_.readiness_exec.has_value()},
      {"--health-sd-notify", draft_.health_sd_notify.value_or(false)},
      {"--readiness-sd-notify", draft_.readiness_sd_notify.value_or(false)},
      {"--no-init", !draft_.init.value_or(true)},
  };
  for (const auto& [flag, asked] : wishes) {
    if (!asked) continue;
    errors_.push_back(fail(Kind::usage, 0, "take with --isolation landlock the flag", flag,
                           "it needs namespaces, which that level does without")
                          .error());
  }
  own_identity();
}

// The ids inside are the host's: another user's files would be the workload's own.
void Validator::own_identity() {
  Identity& identity = spec_.identity;
  const bool named = draft_.user || draft_.group;
  const bool group = draft_.group || (draft_.user && draft_.user->find(':') != std::string::npos);
  constexpr std::uint32_t kNobody = 65534;
  if (!around_.may_change_ids) {
    const Identity own{.uid = around_.uid, .gid = around_.gid};
    if ((draft_.user && identity.uid != own.uid) || (group && identity.gid != own.gid)) {
      refuse("--user", draft_.user.value_or("") + (draft_.group ? ":" + *draft_.group : ""),
             "with --isolation landlock the command runs as you: leave it out");
    }
    identity = own;
    return;
  }
  if (!named) identity = {.uid = kNobody, .gid = kNobody};
  if (identity.uid == 0 || identity.gid == 0) {
    refuse("--user", std::to_string(identity.uid) + ":" + std::to_string(identity.gid),
           "with --isolation landlock the ids are the host's, and root's files would be the "
           "command's: name another, or leave it out for 65534:65534");
  }
}

}  // namespace nucleus::spec
