// A signal to every process of a container: `nucleus kill --all`.
#pragma once

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "container/life.h"
#include "store/store.h"

namespace nucleus::supervisor {

/// Sends `signal` to each process in the container, those of further commands too; its init, which
/// would hand it on, is left out. Where it can be frozen, all of them get it at one moment; else
/// those that are born meanwhile get it a moment later. Errors: the cgroup cannot be frozen; there
/// is no end of new processes. Kernel 5.3. Source: pidfd_send_signal(2).
[[nodiscard]] Result<> signal_all(container::Life& life, const spec::ContainerSpec& spec,
                                  int signal);

/// Does what {"op":"kill"} asks for, with "signal" (KILL) and "all", also to a paused one. The
/// signal.
[[nodiscard]] Result<int> send_asked(container::Life& life, store::Held& held,
                                     const spec::ContainerSpec& spec,
                                     const nlohmann::ordered_json& request);

}  // namespace nucleus::supervisor
