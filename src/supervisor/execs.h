// Further processes in the container: who asked for each, how long it may take, how it ended. When
// its time is over or nobody waits for it any more, its whole tree is killed, and nothing else.
#pragma once

#include <functional>
#include <list>
#include <string>

#include "base/error.h"
#include "container/life.h"
#include "control/packet.h"
#include "resources/cgroup.h"
#include "store/journal.h"
#include "supervisor/control_server.h"
#include "sys/event_loop.h"
#include "sys/process.h"

namespace nucleus::supervisor {

/// The plan of a further process: the container's own, with the command and whatever else `spec`
/// says, which must outlive the plan.
void plan_further(const container::Life& life, spec::ContainerSpec& spec, launch::LaunchPlan& plan);

class Execs {
 public:
  using ClientId = ControlServer::ClientId;

  /// Writes into the journal.
  using Note = std::function<void(const char* event, store::Attributes attributes)>;

  Execs(sys::EventLoop& loop, ControlServer& server, Note note)
      : loop_(loop), server_(server), note_(std::move(note)) {}
  Execs(const Execs&) = delete;
  Execs& operator=(const Execs&) = delete;
  ~Execs();

  /// Starts what the packet asks for and answers {"started":true,"pid":N}, with the terminal's
  /// other end when one was asked for; at its end {"code":N,"signal":N,"reason":...}.
  [[nodiscard]] Result<> start(ClientId client, container::Life& life,
                               const spec::ContainerSpec& spec, const control::Packet& packet);

  /// To the process that this client waits for.
  [[nodiscard]] Result<> send(ClientId client, int signal);

  void client_gone(ClientId client);

  /// They have all been killed with the pid namespace: tells who waits.
  void container_ended();

 private:
  struct Exec {
    sys::Child process;
    resources::Leaf leaf;
    ClientId client = 0;  // 0: nobody waits
    bool timed_out = false;
    sys::EventLoop::Id watch = 0, timer = 0;
  };
  void ended(Exec& exec);
  void kill_tree(Exec& exec);
  void forget(const Exec& exec);

  sys::EventLoop& loop_;
  ControlServer& server_;
  Note note_;
  std::list<Exec> execs_;
  std::uint64_t last_ = 0;
};

}  // namespace nucleus::supervisor
