// How who copies gets to a container's files: its first process as a pidfd, whose user and mount
// namespaces are to be joined.
#pragma once

#include <string>

#include "base/error.h"
#include "container/life.h"
#include "supervisor/control_server.h"

namespace nucleus::supervisor {

/// Answers with it. Errors: the container has no root of its own.
[[nodiscard]] Result<> reach(ControlServer& server, ControlServer::ClientId client,
                             container::Life& life, const std::string& id);

}  // namespace nucleus::supervisor
