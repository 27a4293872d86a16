// Requests at a control socket, as JSON and as the audit log has them.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "audit/trail.h"
#include "base/error.h"
#include "control/packet.h"
#include "supervisor/control_server.h"

namespace nucleus::supervisor {

/// An object with "op". Errors: EPROTO, it is none.
[[nodiscard]] Result<nlohmann::ordered_json> read_request(const control::Packet& packet);

/// A whole number in it, if there is one of that name.
[[nodiscard]] std::optional<std::int64_t> number_in(const nlohmann::ordered_json& request,
                                                    const char* name);

/// Calls `handle`, and refuses the client when that fails. What changes something is written into
/// the audit log before, and not done when that is not possible; and after, of which `unheard` is
/// told when it could not be written.
void do_audited(ControlServer& server, ControlServer::ClientId client,
                const control::Packet& packet, const audit::Trail& trail,
                const std::function<Result<>()>& handle,
                const std::function<void(const Result<>&)>& unheard);

}  // namespace nucleus::supervisor
