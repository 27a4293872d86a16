// What can be asked of a supervisor. Each request is one JSON object with "op"; each is answered by
// one object, or by {"error": ...}.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "base/json_fields.h"
#include "supervisor/asked.h"
#include "supervisor/pause.h"
#include "supervisor/reach.h"
#include "supervisor/signal_all.h"
#include "supervisor/supervisor.h"
#include "supervisor/update.h"

namespace nucleus::supervisor {
namespace {

using json::Json;

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
  do_audited(
      *server_, client, packet, trail_, [&] { return handle(client, packet); },
      [this](const Result<>& written) { unheard(written); });
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
      const auto patience = number_in(request, "timeout_ms").value_or(life.stop_timeout.count());
      const auto signal = number_in(request, "signal").value_or(life.stop_signal);
      waiting_.push_back(client);
      if (op == "remove") removing_ = true;
      if (op == "stop")
        note("stop", {{"signal", container::signal_name(static_cast<int>(signal))}});
      stop(static_cast<int>(signal), std::chrono::milliseconds(patience));
      return {};
    }
    if (op == "kill") {
      NUCLEUS_CHECK(need_running());
      const int signal = NUCLEUS_TRY(send_asked(*life_, held_, spec_, request));
      if (signal == SIGKILL) stopping_ = true;
      note("kill", {{"signal", container::signal_name(signal)}});
      server_->answer(client, "{}");
      return {};
    }
    if (op == "start") return let_go(client);
    if (op == "restart") {
      const spec::Supervision& life = spec_.supervision;
      return run_again(client,
                       static_cast<int>(number_in(request, "signal").value_or(life.stop_signal)),
                       std::chrono::milliseconds(
                           number_in(request, "timeout_ms").value_or(life.stop_timeout.count())));
    }
    if (op == "exec") {
      NUCLEUS_CHECK(need_running());
      if (life_->running().container().parked)
        return fail(Kind::usage, 0, "execute in", held_.entry().id, "it is created, not started");
      NUCLEUS_CHECK(need_not_paused(held_, "execute in"));
      return execs_->start(client, *life_, spec_, packet);
    }
    if (op == "exec-signal")
      return execs_->send(client, static_cast<int>(number_in(request, "signal").value_or(0)));
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
    if (op == "reach") {
      if (!need_running()) {
        return fail(Kind::usage, ESRCH, "reach the files of", held_.entry().id,
                    "it does not run, and its root is gone with its last run: start it");
      }
      return reach(*server_, client, *life_, held_.entry().id);
    }
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
