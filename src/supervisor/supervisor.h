// The process that stays with a container: owns it, its record, its log and its control socket;
// starts it again as its policy says; ends with it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trail.h"
#include "container/life.h"
#include "container/notices.h"
#include "container/signals.h"
#include "log/sink.h"
#include "store/journal.h"
#include "store/store.h"
#include "supervisor/control_server.h"
#include "supervisor/execs.h"
#include "supervisor/health.h"
#include "supervisor/readiness.h"
#include "supervisor/spawn.h"
#include "supervisor/stand_by.h"
#include "supervisor/viewers.h"
#include "sys/event_loop.h"

namespace nucleus::supervisor {

class Supervisor {
 public:
  /// `answer`: where the caller waits to hear that the container runs, or why not.
  Supervisor(const Request& request, sys::UniqueFd answer);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  int run();

 private:
  using ClientId = ControlServer::ClientId;
  using Facts = Result<container::EndFacts>;
  enum class Again { no, unhealthy, asked };
  // How far the one had come in whose place we are: it started the workload, it watched it, it
  // waited to start it again, it had nothing left to do but to go.
  enum class Adopted { nothing, start, run, pause, end };

  // supervisor.cc: the life of the container
  Result<> begin();
  Result<> make_record();
  Result<> start_life(bool park);
  Result<> start_unaudited(bool park);
  Result<> write_start(bool park);
  Result<bool> await(int fd, std::chrono::milliseconds patience);
  void tell_caller();
  void rest_soon();
  void on_signal();
  void ended(Facts facts);
  void wind_up(const Facts& facts);
  [[nodiscard]] spec::Outcome end_life(const Facts& facts);
  void note_end(const spec::Outcome& outcome);
  void lengthen_back_off(const spec::Outcome& outcome);
  [[nodiscard]] bool wants_restart(const spec::Outcome& outcome) const;
  void restart();
  void answer_starters(const Result<>& result);
  void end_workload(int signal, std::chrono::milliseconds patience);
  void finish();
  void stop(int signal, std::chrono::milliseconds patience);
  void note(const char* event, const store::Attributes& attributes = {});
  void unheard(const Result<>& written);

  // adoption.cc: another one takes over
  Result<> split();
  void take_up();
  void adopt_life(store::Status status);
  Result<> go_on_with_life();
  void rest_or_finish(bool again);
  void record_ourselves(store::Entry& entry) const;
  void note_problem(const std::string& what, const Error& error);

  // streams.cc: what the container says
  Result<> open_log();
  Result<> open_streams();
  void read_stream(log::Stream stream, int fd);
  void hear_output(log::Stream stream, std::string_view bytes);
  void choose_output();
  void drain();

  // probing.cc: what probes find out
  void listen_to_notices();
  void noticed(const container::Notice& notice);
  void record_status_text();
  void end_notices();
  void watch_health();
  void unhealthy();
  void await_readiness(std::vector<ClientId> starters);
  void ready(const Result<>& result);
  void not_ready_after(const spec::Outcome& outcome);
  void tell_of_readiness();

  // requests.cc: what is asked for at the control socket
  void heard(ClientId client, const control::Packet& packet);
  [[nodiscard]] Result<> handle(ClientId client, const control::Packet& packet);
  [[nodiscard]] Result<> let_go(ClientId client);
  [[nodiscard]] Result<> run_again(ClientId client, int signal, std::chrono::milliseconds patience);
  void gone(ClientId client);
  [[nodiscard]] Result<> need_running();
  [[nodiscard]] std::string end_text() const;

  const Request& request_;
  sys::UniqueFd answer_;
  container::Signals signals_;
  sys::EventLoop loop_;
  spec::ContainerSpec spec_;
  isolation::Caller caller_;
  store::Store store_;
  store::Journal journal_;
  audit::Trail trail_;
  store::Held held_;
  std::unique_ptr<log::Sink> log_;
  std::array<sys::UniqueFd, 2> output_;  // our ends of the container's standard output and error
  sys::UniqueFd input_;                  // of its standard input, with --interactive
  sys::UniqueFd terminal_;
  sys::EventLoop::Id terminal_watch_ = 0;
  std::array<sys::EventLoop::Id, 2> output_watches_{};
  std::optional<ControlServer> server_;
  std::optional<container::Life> life_;
  std::optional<Execs> execs_;
  std::optional<Health> health_;
  std::optional<container::Notices> notices_;
  std::string status_text_;  // the last that was heard
  sys::EventLoop::Id status_timer_ = 0;
  bool ready_heard_ = false;             // of this run
  std::optional<Readiness> readiness_;   // as long as somebody waits for it
  std::optional<Error> not_ready_;       // why the start is taken back
  std::vector<ClientId> starters_;       // who waits for it or for another run; none: the caller
  sys::EventLoop::Id caller_watch_ = 0;  // whether that one is still there
  Again again_ = Again::no;              // it ends to be started again, whatever its policy
  std::optional<Viewers> viewers_;
  StandBy stand_by_;
  Adopted adopted_ = Adopted::nothing;  // since split() came back for the last time
  bool stopping_ = false;               // it was asked to end: no restart
  bool removing_ = false;
  std::uint32_t failures_ = 0;  // in a row, for on-failure:N
  std::chrono::milliseconds back_off_{};
  sys::EventLoop::Id kill_timer_ = 0, restart_timer_ = 0, rest_timer_ = 0;
  std::vector<ClientId> waiting_;  // to be told of the end
};

}  // namespace nucleus::supervisor
