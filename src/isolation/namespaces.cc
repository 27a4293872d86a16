#include "isolation/namespaces.h"

#include <sched.h>

#include "isolation/obstacle.h"

namespace nucleus::isolation {

std::uint64_t clone_flags(const spec::ContainerSpec& spec) {
  if (spec.shares_host()) return 0;
  std::uint64_t flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (spec.userns == spec::UserNamespace::separate) flags |= CLONE_NEWUSER;
  if (spec.network == spec::NetworkMode::none) flags |= CLONE_NEWNET;
  return flags;
}

Error explain_clone_failure(int errnum) {
  const Obstacle obstacle = namespace_obstacle(errnum);
  return fail(Kind::runtime, errnum, "create the container's namespaces", "",
              obstacle.what + ": " + obstacle.cure + "; see nucleus doctor")
      .error();
}

}  // namespace nucleus::isolation
