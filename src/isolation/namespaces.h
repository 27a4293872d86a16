// Which namespaces a container gets, and what it means when the kernel refuses them: namespaces(7),
// clone(2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "spec/container_spec.h"

namespace nucleus::isolation {

/// The CLONE_NEW* flags of a container: user, pid, mount, uts, ipc, cgroup always; net unless the
/// host's is shared. None at all for --isolation landlock.
[[nodiscard]] std::uint64_t clone_flags(const spec::ContainerSpec& spec);

/// The error of a refused clone3, with the switch of the host that most likely refused it (sysctls
/// are looked up).
[[nodiscard]] Error explain_clone_failure(int errnum);

}  // namespace nucleus::isolation
