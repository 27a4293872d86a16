// How who copies gets to a container's files: its first process as a pidfd, whose user and mount
// namespaces are to be joined.
#include <sched.h>

#include <cerrno>

#include "base/json_fields.h"
#include "supervisor/supervisor.h"

namespace nucleus::supervisor {

Result<> Supervisor::reach(ClientId client) {
  if (!need_running()) {
    return fail(Kind::usage, ESRCH, "reach the files of", held_.entry().id,
                "it does not run, and its root is gone with its last run: start it");
  }
  const std::uint64_t flags = life_->decision().plan.clone_flags;
  if ((flags & CLONE_NEWNS) == 0) {
    return fail(Kind::usage, 0, "reach the files of", held_.entry().id,
                "it has no root of its own: its files are the host's");
  }
  const json::Json answer = {{"user_namespace", (flags & CLONE_NEWUSER) != 0}};
  server_->answer(client, json::dump(answer), {life_->running().pidfd()});
  return {};
}

}  // namespace nucleus::supervisor
