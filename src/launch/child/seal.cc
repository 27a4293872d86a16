// Takes away what a workload must not have, each thing before the one that would still be needed to
// take it.
//
// no_new_privs first, so that nothing executed from here on can gain; Landlock before the
// capabilities are gone is not needed but harmless; seccomp last, so that the policy never has to
// admit what only nucleus does.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

#include "launch/child/child.h"
#include "sys/raw.h"
#include "sys/uapi.h"

namespace nucleus::launch::child {
namespace {

namespace raw = sys::raw;

long prctl(long option, long a = 0, long b = 0, long c = 0, long d = 0) {
  return raw::call(__NR_prctl, option, a, b, c, d);
}

void drop_bounding_set(const Script& script) {
  // Whoever is nobody special has no capability in a set, and no_new_privs sees to it that none
  // comes from the bounding set.
  if (!script.drops_bounding_set) {
    check(script, Step::bounding_set, 64, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
    return;
  }
  for (int capability = 0; capability <= script.last_capability; ++capability) {
    if ((script.capabilities >> capability & 1) != 0) continue;
    check(script, Step::bounding_set, static_cast<std::size_t>(capability),
          prctl(PR_CAPBSET_DROP, capability));
  }
  check(script, Step::bounding_set, 64, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
  // Being uid 0 shall mean nothing: not at execve, not at setuid, and for good.
  constexpr long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                         SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  constexpr long kNoAmbient = SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  // What is kept gets across execve by the ambient set alone.
  check(script, Step::bounding_set, 65,
        prctl(PR_SET_SECUREBITS, script.capabilities == 0 ? kBits | kNoAmbient : kBits));
}

void switch_identity(const Script& script) {
  const long gid = script.gid;
  const long uid = script.uid;
  if (script.group_count != 0) {
    check(script, Step::set_groups, 1,
          raw::call(__NR_setgroups, static_cast<long>(script.group_count),
                    raw::address(script.groups)));
  }
  check(script, Step::set_identity, 0, raw::call(__NR_setresgid, gid, gid, gid));
  check(script, Step::set_identity, 1, raw::call(__NR_setresuid, uid, uid, uid));
  // The change of identity has cancelled the wish to die with the parent.
  check(script, Step::set_identity, 2, prctl(PR_SET_PDEATHSIG, 9 /* SIGKILL */));
}

void restrict_with_landlock(const Script& script) {
  if (script.landlock_size == 0) return;
  sys::uapi::LandlockRuleset attributes{};
  attributes.handled_access_fs = script.landlock_rights;
  attributes.handled_access_net = script.landlock_network;
  attributes.scoped = script.landlock_scopes;
  const long ruleset = raw::call(__NR_landlock_create_ruleset, raw::address(&attributes),
                                 static_cast<long>(script.landlock_size), 0);
  check(script, Step::landlock_ruleset, 0, ruleset);
  const auto add = [&](long fd, std::uint64_t rights) {
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights;
    rule.parent_fd = static_cast<__s32>(fd);
    return raw::call(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                     raw::address(&rule), 0);
  };
  for (std::size_t index = 0; index < script.place_count; ++index) {
    const Place& place = script.places[index];
    const long fd = place.fd >= 0 ? place.fd
                                  : raw::call(__NR_openat, AT_FDCWD, raw::address(place.path),
                                              O_PATH | O_CLOEXEC);
    check(script, Step::landlock_rule, index, fd);
    struct statx kind{};
    check(script, Step::landlock_rule, index,
          raw::call(__NR_statx, fd, raw::address(""), AT_EMPTY_PATH, STATX_TYPE,
                    raw::address(&kind)));
    const bool directory = (kind.stx_mode & S_IFMT) == S_IFDIR;
    check(script, Step::landlock_rule, index,
          add(fd, directory ? place.rights : place.file_rights));
    if (place.fd < 0) raw::call(__NR_close, fd);
  }
  // A file or terminal that is a standard stream may be opened again as /dev/stdout; who gave it
  // meant it to be used.
  for (int stream = 0; stream <= 2; ++stream) {
    struct statx kind{};
    if (raw::call(__NR_statx, stream, raw::address(""), AT_EMPTY_PATH, STATX_TYPE,
                  raw::address(&kind)) < 0)
      continue;
    const unsigned type = kind.stx_mode & S_IFMT;
    const long mode = raw::call(__NR_fcntl, stream, F_GETFL);
    if ((type != S_IFREG && type != S_IFCHR) || mode < 0) continue;
    std::uint64_t rights = script.landlock_stream_rights;
    if ((mode & O_ACCMODE) == O_RDONLY)
      rights &= ~static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_WRITE_FILE);
    if ((mode & O_ACCMODE) == O_WRONLY)
      rights &= ~static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_READ_FILE);
    (void)add(
        stream,
        rights);  // a stream of a file system that takes no rules is only not to be opened again
  }
  check(script, Step::landlock_restrict, 0, raw::call(__NR_landlock_restrict_self, ruleset, 0));
  raw::call(__NR_close, ruleset);
}

void drop_capabilities(const Script& script) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  const auto kept = [&](int half) {
    return static_cast<std::uint32_t>(script.capabilities >> (32 * half));
  };
  for (int half = 0; half < 2; ++half) {
    sets[half].effective = sets[half].permitted = sets[half].inheritable = kept(half);
  }
  check(script, Step::capabilities, 0,
        raw::call(__NR_capset, raw::address(&header), raw::address(sets)));
  check(script, Step::capabilities_read_back, 0,
        raw::call(__NR_capget, raw::address(&header), raw::address(sets)));
  for (int half = 0; half < 2; ++half) {
    const __user_cap_data_struct& set = sets[half];
    if (set.effective != kept(half) || set.permitted != kept(half) || set.inheritable != kept(half))
      fail_step(script, Step::capabilities_read_back, 1, -EPERM);
  }
  for (int capability = 0; capability < 64; ++capability) {
    if ((script.capabilities >> capability & 1) == 0) continue;
    check(script, Step::capabilities, 1 + static_cast<std::size_t>(capability),
          prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability));
  }
}

}  // namespace

void seal(const Script& script) {
  check(script, Step::no_new_privileges, 0, prctl(PR_SET_NO_NEW_PRIVS, 1));
  drop_bounding_set(script);
  switch_identity(script);
  check(script, Step::working_directory, 0, raw::call(__NR_chdir, raw::address(script.cwd)));
  for (std::size_t index = 0; index < script.limit_count; ++index) {
    const Limit& limit = script.limits[index];
    check(script, Step::rlimit, index,
          raw::call(__NR_prlimit64, 0, limit.resource, raw::address(&limit.value), 0));
  }
  check(script, Step::new_session, 0, raw::call(__NR_setsid));
  // With an init it is the workload that leads the session of the terminal, as a login shell does.
  if (script.terminal && script.init_image < 0)
    check(script, Step::terminal, 6, raw::call(__NR_ioctl, 0, TIOCSCTTY, 0));
  const long keyring =
      script.join_keyring ? raw::call(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0) : 0;
  // A kernel without key management has no keyring to leak; a full quota of keys would leave the
  // caller's in place.
  // Without namespaces we may be inside a container whose filter stands before every use of keys by
  // a program as well: the level promises no more than that.
  const bool filtered = keyring == -EPERM && !script.own_root;
  if (keyring != -ENOSYS && !filtered) check(script, Step::keyring, 0, keyring);
  restrict_with_landlock(script);
  drop_capabilities(script);
  sock_fprog program{.len = script.filter_size, .filter = const_cast<sock_filter*>(script.filter)};
  const long listener =
      raw::call(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                script.filter_asks ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, raw::address(&program));
  check(script, Step::seccomp, 0, listener);
  if (!script.filter_asks) return;
  Message message{};
  message.kind = MessageKind::listener;
  send(script, message, static_cast<int>(listener));
  raw::call(__NR_close, listener);
  // A signal that nucleus gets until then ends the start; from then on it is the workload's.
  expect(script, MessageKind::go, nullptr);
}

}  // namespace nucleus::launch::child
