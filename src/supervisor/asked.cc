#include "supervisor/asked.h"

#include <cerrno>
#include <utility>

#include "base/json_fields.h"
#include "container/signals.h"
#include "supervisor/update.h"

namespace nucleus::supervisor {
namespace {

using json::Json;

// A request as the audit log has it; no event: it changes nothing.
struct Asked {
  const char* event = nullptr;
  bool later = false;  // its end is an event of its own
  audit::Details details = {};
  std::vector<std::string> command = {};
};

Asked asked_of(const Json& request) {
  constexpr std::pair<const char*, const char*> kEvents[] = {{"stop", "stop"},
                                                             {"remove", "rm"},
                                                             {"kill", "kill"},
                                                             {"start", "start"},
                                                             {"restart", "restart"},
                                                             {"exec", "exec"},
                                                             {"exec-signal", "exec-kill"},
                                                             {"pause", "pause"},
                                                             {"resume", "resume"},
                                                             {"update", "update"},
                                                             {"attach", "attach"},
                                                             {"reach", "files"},
                                                             {"rename", "rename"}};
  Asked asked;
  const std::string op = request["op"].get<std::string>();
  for (const auto& [known, event] : kEvents) {
    if (op == known) asked.event = event;
  }
  asked.later = op == "stop" || op == "remove" || op == "restart";
  if (const auto signal = number_in(request, "signal"))
    asked.details.emplace_back("signal", container::signal_name(static_cast<int>(*signal)));
  for (const auto& [member, key] :
       {std::pair{"name", "new_name"}, {"user", "user"}, {"cwd", "workdir"}}) {
    const auto found = request.find(member);
    if (found != request.end() && found->is_string() &&
        !found->get_ref<const std::string&>().empty())
      asked.details.emplace_back(key, found->get<std::string>());
  }
  if (op == "update") asked.details = changes_told(json::dump(request));
  if (const auto found = request.find("argv"); found != request.end() && found->is_array()) {
    for (const Json& word : *found) {
      if (word.is_string()) asked.command.push_back(word.get<std::string>());
    }
  }
  return asked;
}

}  // namespace

std::optional<std::int64_t> number_in(const Json& request, const char* name) {
  const auto found = request.find(name);
  if (found == request.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

Result<Json> read_request(const control::Packet& packet) {
  Json request = NUCLEUS_TRY(json::parse(packet.text, "the request"));
  if (!request.is_object() || !request.contains("op") || !request["op"].is_string())
    return fail(Kind::usage, EPROTO, "understand", "the request");
  return request;
}

void do_audited(ControlServer& server, ControlServer::ClientId client,
                const control::Packet& packet, const audit::Trail& trail,
                const std::function<Result<>()>& handle,
                const std::function<void(const Result<>&)>& unheard) {
  const auto request = read_request(packet);
  const Asked asked = request && trail.on() ? asked_of(*request) : Asked{};
  if (asked.event == nullptr) {
    const auto handled = handle();
    if (!handled) server.refuse(client, handled.error());
    return;
  }
  const ucred peer = server.peer(client);
  const audit::Actor actor = {.uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
  const auto written = trail.requested(asked.event, actor, asked.details, asked.command);
  if (!written) {
    server.refuse(client, written.error());
    return;
  }
  const auto handled = handle();
  if (!handled) {
    server.refuse(client, handled.error());
    unheard(trail.failed(asked.event, actor, handled.error()));
  } else if (!asked.later) {
    unheard(trail.done(asked.event, actor));
  }
}

}  // namespace nucleus::supervisor
