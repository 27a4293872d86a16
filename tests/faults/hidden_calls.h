// Hides groups of system calls: they answer ENOSYS, as on a kernel before them or in a container
// whose seccomp profile does not know them.
#pragma once

namespace nucleus::test {

/// For this process and all that it starts. Root's alone, so that it needs no no_new_privs, under
/// which newuidmap(1) would have no rights. Groups: openat2, clone3, pidfd, close_range, all of
/// which together are "older"; landlock; mounts; mount_setattr. False: errno says why (EINVAL: no
/// such group). Calls nothing that allocates.
[[nodiscard]] bool hide_calls(const char* group);

}  // namespace nucleus::test
