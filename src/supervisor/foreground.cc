#include "supervisor/foreground.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/json_fields.h"
#include "store/store.h"
#include "supervisor/asked.h"
#include "supervisor/execs.h"
#include "supervisor/pause.h"
#include "supervisor/reach.h"
#include "supervisor/signal_all.h"

namespace nucleus::supervisor {
namespace {

using json::Json;

class Foreground : public container::Attendant {
 public:
  explicit Foreground(container::Attended attended)
      : attended_(std::move(attended)), store_(attended_.state_root) {}

  ~Foreground() override { attended_.loop.cancel(kill_timer_); }

  Result<> open() {
    store::Entry entry;
    entry.id = attended_.id;
    entry.owner = attended_.caller.uid;
    entry.foreground = true;
    entry.remove = true;
    entry.restart = "no";
    entry.log_driver = "none";
    entry.created_usec = store::now_usec();
    entry.started_usec = entry.created_usec;
    entry.status = store::Status::running;
    entry.supervisor = ::getpid();
    entry.pid = attended_.life.running().pid();
    entry.cgroups = attended_.life.cgroup().paths();
    entry.notes = attended_.life.decision().notes;
    entry.command = attended_.spec.argv;
    entry.labels = attended_.spec.labels;
    held_ = NUCLEUS_TRY(store_.create(entry, attended_.spec));
    // The name is its own already, since it began.
    NUCLEUS_CHECK(held_.update([&](store::Entry& now) { now.name = attended_.spec.name; }));
    server_.emplace(attended_.loop, entry.owner,
                    ControlServer::Events{
                        .heard = [this](ClientId client,
                                        const control::Packet& packet) { heard(client, packet); },
                        .gone = [this](ClientId client) { gone(client); }});
    NUCLEUS_CHECK(server_->listen(held_.directory_fd()));
    execs_.emplace(attended_.loop, *server_,
                   [this](const char* event, const store::Attributes& attributes) {
                     note(event, attributes);
                   });
    return {};
  }

  // The record goes with whoever made it, if it ever came to that.
  void forget() {
    server_.reset();
    if (held_.valid()) held_.remove();
  }

  void ended() override {
    attended_.loop.cancel(std::exchange(kill_timer_, 0));
    // What is in front may have come to an end before the workload has: the terminal is gone. Its
    // execs end with it, and are waited for.
    container::Running& running = attended_.life.running();
    pollfd end{.fd = running.pidfd(), .events = POLLIN, .revents = 0};
    if (::poll(&end, 1, 0) == 0) (void)running.kill_for(container::KilledFor::signal, SIGKILL);
    execs_->container_ended();
    // Who waits for its end finds nothing of it when the answer comes; and when what it was made of
    // is gone, this is.
    held_.remove();
  }

  void over(const spec::Outcome& outcome) override {
    const Json answer = {{"id", attended_.id},
                         {"status", "stopped"},
                         {"code", outcome.code},
                         {"reason", spec::reason_name(outcome.reason)}};
    for (const ClientId client : std::exchange(waiting_, {}))
      server_->answer(client, json::dump(answer));
    execs_.reset();
    server_.reset();
  }

 private:
  using ClientId = ControlServer::ClientId;

  void note(const char* event, const store::Attributes& attributes) {
    if (attended_.trail.on() && std::string_view(event) == "exec_die")
      unheard(attended_.trail.done("exec-exit", audit::ourselves(), attributes));
  }

  void unheard(const Result<>& written) {
    if (written) return;
    (void)held_.update([&](store::Entry& entry) {
      entry.notes.push_back("not in the audit log: " + written.error().text());
    });
  }

  void heard(ClientId client, const control::Packet& packet) {
    do_audited(
        *server_, client, packet, attended_.trail, [&] { return handle(client, packet); },
        [this](const Result<>& written) { unheard(written); });
  }

  void gone(ClientId client) {
    std::erase(waiting_, client);
    execs_->client_gone(client);
  }

  Result<> handle(ClientId client, const control::Packet& packet) {
    const Json request = NUCLEUS_TRY(read_request(packet));
    const std::string op = request["op"].get<std::string>();
    container::Life& life = attended_.life;
    const spec::Supervision& supervision = attended_.spec.supervision;
    if (op == "wait") {
      waiting_.push_back(client);
      return {};
    }
    if (op == "stop" || op == "remove") {
      waiting_.push_back(client);
      const auto patience =
          number_in(request, "timeout_ms").value_or(supervision.stop_timeout.count());
      stop(static_cast<int>(number_in(request, "signal").value_or(supervision.stop_signal)),
           std::chrono::milliseconds(patience));
      return {};
    }
    if (op == "kill") {
      (void)NUCLEUS_TRY(send_asked(life, held_, attended_.spec, request));
      server_->answer(client, "{}");
      return {};
    }
    if (op == "exec") {
      NUCLEUS_CHECK(need_not_paused(held_, "execute in"));
      return execs_->start(client, life, attended_.spec, packet);
    }
    if (op == "exec-signal")
      return execs_->send(client, static_cast<int>(number_in(request, "signal").value_or(0)));
    if (op == "pause" || op == "resume") {
      // On v1 the freezer is a cgroup of its own, which no limit needs.
      if (op == "pause" && !life.cgroup().can_freeze()) {
        return fail(Kind::runtime, 0, "pause", attended_.id,
                    "it is in no cgroup that could be frozen: start it with --detach");
      }
      NUCLEUS_CHECK(op == "pause" ? pause(life, held_) : resume(life, held_));
      server_->answer(client, "{}");
      return {};
    }
    if (op == "reach") return reach(*server_, client, life, attended_.id);
    return fail(Kind::usage, 0, op, attended_.id,
                "it runs in the foreground of process " + std::to_string(::getpid()) +
                    ": start it with --detach for that");
  }

  void stop(int signal, std::chrono::milliseconds patience) {
    container::Running& running = attended_.life.running();
    go_on(attended_.life, held_);
    if (patience.count() == 0) {
      (void)running.kill_for(container::KilledFor::signal, SIGKILL);
      return;
    }
    (void)running.send(signal);
    attended_.loop.cancel(kill_timer_);
    kill_timer_ = attended_.loop.after(patience, [this] {
      (void)attended_.life.running().kill_for(container::KilledFor::signal, SIGKILL);
    });
  }

  container::Attended attended_;
  store::Store store_;
  store::Held held_;
  std::optional<ControlServer> server_;
  std::optional<Execs> execs_;
  std::vector<ClientId> waiting_;
  sys::EventLoop::Id kill_timer_ = 0;
};

}  // namespace

std::unique_ptr<container::Attendant> attend_foreground(const container::Attended& attended) {
  auto foreground = std::make_unique<Foreground>(attended);
  if (foreground->open()) return foreground;
  foreground->forget();
  return nullptr;
}

}  // namespace nucleus::supervisor
