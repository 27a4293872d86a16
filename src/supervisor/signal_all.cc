#include "supervisor/signal_all.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <utility>

#include "container/processes.h"
#include "supervisor/asked.h"
#include "supervisor/pause.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {
namespace {

// A handler may fork; one that forks for ever is for SIGKILL.
constexpr int kMostRounds = 100;

using Told = std::set<std::pair<pid_t, std::uint64_t>>;

// By pidfd, and only when it is still the one that was found: its number may be another's by now.
void send(const container::Process& process, std::uint64_t born, int signal) {
  const sys::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.host_pid, 0)));
  if (!pidfd.valid() || sys::start_ticks(process.host_pid) != born) return;
  // What has ended meanwhile needs none.
  (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

// How many were told that had not been.
std::size_t send_to_new(container::Running& running, bool init, int signal, Told& told) {
  std::size_t fresh = 0;
  for (const container::Process& process : container::processes_of(::getpid(), running.pid())) {
    const auto born = sys::start_ticks(process.host_pid);
    if (!born || process.state == 'Z' || !told.emplace(process.host_pid, *born).second) continue;
    ++fresh;
    if (process.host_pid != running.pid()) {
      send(process, *born, signal);
    } else if (!init) {
      (void)running.send(signal);
    }
  }
  return fresh;
}

}  // namespace

Result<> signal_all(container::Life& life, const spec::ContainerSpec& spec, int signal) {
  container::Running& running = life.running();
  Told told;
  if (life.cgroup().can_freeze()) {
    NUCLEUS_CHECK(life.cgroup().freeze());
    send_to_new(running, spec.init, signal, told);
    return life.cgroup().thaw();
  }
  for (int round = 0; round < kMostRounds; ++round) {
    if (send_to_new(running, spec.init, signal, told) == 0) return {};
  }
  return fail(Kind::runtime, EAGAIN, "send the signal to all processes of", spec.argv.front(),
              "new ones come without end: nucleus kill ends the whole container");
}

Result<int> send_asked(container::Life& life, store::Held& held, const spec::ContainerSpec& spec,
                       const nlohmann::ordered_json& request) {
  go_on(life, held);
  const auto signal = static_cast<int>(number_in(request, "signal").value_or(SIGKILL));
  if (signal == SIGKILL) {
    NUCLEUS_CHECK(life.running().kill_for(container::KilledFor::signal, SIGKILL));
  } else if (request.value("all", false)) {
    NUCLEUS_CHECK(signal_all(life, spec, signal));
  } else {
    NUCLEUS_CHECK(life.running().send(signal));
  }
  return signal;
}

}  // namespace nucleus::supervisor
