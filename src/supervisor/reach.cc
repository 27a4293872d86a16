#include "supervisor/reach.h"

#include <sched.h>

#include <cerrno>

#include "base/json_fields.h"

namespace nucleus::supervisor {

Result<> reach(ControlServer& server, ControlServer::ClientId client, container::Life& life,
               const std::string& id) {
  const std::uint64_t flags = life.decision().plan.clone_flags;
  if ((flags & CLONE_NEWNS) == 0) {
    return fail(Kind::usage, 0, "reach the files of", id,
                "it has no root of its own: its files are the host's");
  }
  const json::Json answer = {{"user_namespace", (flags & CLONE_NEWUSER) != 0}};
  server.answer(client, json::dump(answer), {life.running().pidfd()});
  return {};
}

}  // namespace nucleus::supervisor
