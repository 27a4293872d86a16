// What can be asked of a supervisor. Each request is one JSON object with "op"; each is answered by
// one object, or by {"error": ...}.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "base/json_fields.h"
#include "supervisor/pause.h"
#include "supervisor/signal_all.h"
#include "supervisor/supervisor.h"
#include "supervisor/update.h"

namespace nucleus::supervisor {
namespace {

using json::Json;

std::optional<std::int64_t> number(const Json& request, const char* name) {
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
  if (const auto signal = number(request, "signal"))
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

Result<> Supervisor::need_running() {
  // Ended also between its end and the moment in which that is seen to.
  pollfd ended{.fd = life_ && life_->is_running() ? life_->running().pidfd() : -1,
               .events = POLLIN,
               .revents = 0};
  if (ended.fd >= 0 && ::poll(&ended, 1, 0) == 0) return {};
  return fail(Kind::usage, ESRCH, "reach the workload of", held_.entry().id, "it does not run");
}

std::string Supervisor::end_text() const {
  Json object;
  object["id"] = held_.entry().id;
  object["status"] = store::status_name(held_.entry().status);
  if (held_.entry().ending) {
    object["code"] = held_.entry().ending->code;
    object["reason"] = held_.entry().ending->reason;
  }
  return json::dump(object);
}

void Supervisor::heard(ClientId client, const control::Packet& packet) {
  const auto request = read_request(packet);
  const Asked asked = request && trail_.on() ? asked_of(*request) : Asked{};
  if (asked.event == nullptr) {
    const auto handled = handle(client, packet);
    if (!handled) server_->refuse(client, handled.error());
    return;
  }
  const ucred peer = server_->peer(client);
  const audit::Actor actor = {.uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
  const auto written = trail_.requested(asked.event, actor, asked.details, asked.command);
  if (!written) {
    server_->refuse(client, written.error());
    return;
  }
  const auto handled = handle(client, packet);
  if (!handled) {
    server_->refuse(client, handled.error());
    unheard(trail_.failed(asked.event, actor, handled.error()));
  } else if (!asked.later) {
    unheard(trail_.done(asked.event, actor));
  }
}

Result<> Supervisor::handle(ClientId client, const control::Packet& packet) {
  const Json request = NUCLEUS_TRY(read_request(packet));
  const std::string op = request["op"].get<std::string>();
  {
    if (op == "wait") {
      waiting_.push_back(client);
      return {};
    }
    if (op == "stop" || op == "remove") {
      const spec::Supervision& life = spec_.supervision;
      const auto patience = number(request, "timeout_ms").value_or(life.stop_timeout.count());
      const auto signal = number(request, "signal").value_or(life.stop_signal);
      waiting_.push_back(client);
      if (op == "remove") removing_ = true;
      if (op == "stop")
        note("stop", {{"signal", container::signal_name(static_cast<int>(signal))}});
      stop(static_cast<int>(signal), std::chrono::milliseconds(patience));
      return {};
    }
    if (op == "kill") {
      NUCLEUS_CHECK(need_running());
      go_on(*life_, held_);
      const auto signal = static_cast<int>(number(request, "signal").value_or(SIGKILL));
      if (signal == SIGKILL) {
        stopping_ = true;
        NUCLEUS_CHECK(life_->running().kill_for(container::KilledFor::signal, SIGKILL));
      } else if (request.value("all", false)) {
        NUCLEUS_CHECK(signal_all(*life_, spec_, signal));
      } else {
        NUCLEUS_CHECK(life_->running().send(signal));
      }
      note("kill", {{"signal", container::signal_name(signal)}});
      server_->answer(client, "{}");
      return {};
    }
    if (op == "start") return let_go(client);
    if (op == "restart") {
      const spec::Supervision& life = spec_.supervision;
      return run_again(client,
                       static_cast<int>(number(request, "signal").value_or(life.stop_signal)),
                       std::chrono::milliseconds(
                           number(request, "timeout_ms").value_or(life.stop_timeout.count())));
    }
    if (op == "exec") {
      NUCLEUS_CHECK(need_running());
      if (life_->running().container().parked)
        return fail(Kind::usage, 0, "execute in", held_.entry().id, "it is created, not started");
      NUCLEUS_CHECK(need_not_paused(held_, "execute in"));
      return execs_->start(client, *life_, spec_, packet);
    }
    if (op == "exec-signal")
      return execs_->send(client, static_cast<int>(number(request, "signal").value_or(0)));
    if (op == "pause" || op == "resume") {
      NUCLEUS_CHECK(need_running());
      NUCLEUS_CHECK(op == "pause" ? pause(*life_, held_) : resume(*life_, held_));
      note(op.c_str());
      server_->answer(client, "{}");
      return {};
    }
    if (op == "update") {
      resources::Cgroup* const cgroup = life_ && life_->is_running() ? &life_->cgroup() : nullptr;
      NUCLEUS_CHECK(update(NUCLEUS_TRY(changes_asked(packet.text)), spec_, held_, cgroup));
      server_->answer(client, "{}");
      // Between two runs: with the policy the next one goes.
      if (restart_timer_ != 0 && spec_.supervision.restart == spec::RestartPolicy::no) stop(0, {});
      return {};
    }
    if (op == "attach") {
      NUCLEUS_CHECK(need_running());
      return viewers_->attach(client, packet);
    }
    if (op == "attach-size") return viewers_->resize(client, packet);
    if (op == "reach") return reach(client);
    if (op == "rename") {
      const auto name = request.find("name");
      if (name == request.end() || !name->is_string())
        return fail(Kind::usage, EPROTO, "understand", "the request");
      const std::string before = held_.entry().name;
      NUCLEUS_CHECK(store_.rename(held_, name->get<std::string>()));
      note("rename", {{"before", before}});
      spec_.name = name->get<std::string>();
      trail_.rename(spec_.name);
      if (log_) log_->renamed(spec_.name);
      server_->answer(client, "{}");
      return {};
    }
    return fail(Kind::usage, ENOSYS, "do", op,
                "the container's supervisor is of another version of nucleus");
  }
}

Result<> Supervisor::let_go(ClientId client) {
  if (restart_timer_ != 0) {
    // It waits to be started again: now.
    loop_.cancel(restart_timer_);
    starters_.push_back(client);
    restart();
    return {};
  }
  NUCLEUS_CHECK(need_running());
  NUCLEUS_CHECK(need_not_paused(held_, "start"));
  if (!life_->running().container().parked)
    return fail(Kind::usage, 0, "start", held_.entry().id, "it runs already");
  NUCLEUS_CHECK(life_->release());
  NUCLEUS_CHECK(held_.become(store::Status::running,
                             [](store::Entry& entry) { entry.started_usec = store::now_usec(); }));
  note("start");
  watch_health();
  if (spec_.supervision.readiness.probe.kind != spec::ProbeKind::none) {
    await_readiness({client});
    return {};
  }
  server_->answer(client, "{}");
  return {};
}

// Whoever asks while it ends already waits for the same run.
Result<> Supervisor::run_again(ClientId client, int signal, std::chrono::milliseconds patience) {
  if (stopping_)
    return fail(Kind::usage, EBUSY, "start again", held_.entry().id, "it is being stopped");
  if (readiness_) {
    return fail(Kind::usage, EBUSY, "start again", held_.entry().id,
                "its start waits for it to be ready");
  }
  if (restart_timer_ != 0) return let_go(client);
  NUCLEUS_CHECK(need_running());
  if (life_->running().container().parked) return let_go(client);
  starters_.push_back(client);
  if (std::exchange(again_, Again::asked) == Again::asked) return {};
  end_workload(signal, patience);
  return {};
}

void Supervisor::gone(ClientId client) {
  std::erase(waiting_, client);
  // Nobody waits for its readiness any more: it goes on without.
  if (std::erase(starters_, client) != 0 && starters_.empty()) readiness_.reset();
  execs_->client_gone(client);
  viewers_->client_gone(client);
  rest_soon();
}

}  // namespace nucleus::supervisor
