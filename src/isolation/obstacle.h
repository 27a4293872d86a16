// Why the kernel refuses user namespaces here, as far as it can be found out: the switches of
// user_namespaces(7), and what distributions and containers put in front of them.
#pragma once

#include <string>
#include <vector>

namespace nucleus::isolation {

struct Obstacle {
  std::string what;                       // "the sysctl user.max_user_namespaces is 0"
  std::string cure;                       // what to do, for a person
  std::vector<std::string> command = {};  // the one command that does it, as root; empty: none
};

/// The cause behind `errnum` of a refused clone3 with namespaces (or of the first steps in them).
/// Reads sysctls and /proc/self, and asks the kernel with calls that cannot succeed.
[[nodiscard]] Obstacle namespace_obstacle(int errnum);

/// Whether a seccomp filter on this process stands before clone3(2) or before a new user namespace.
/// Each is tried with arguments that the kernel itself refuses as EINVAL: another answer is a
/// filter's (or, for clone3, a kernel's before 5.3).
[[nodiscard]] bool filter_hides_clone3();
[[nodiscard]] bool filter_refuses_user_namespaces();

/// Whether this process is in a chroot(2), which may make no user namespaces; false as well when
/// /proc is not there to tell.
[[nodiscard]] bool in_chroot();

/// A field of /proc/self/status ("Seccomp", "NoNewPrivs"); empty when there is none.
[[nodiscard]] std::string own_status(const std::string& name);

}  // namespace nucleus::isolation
