// One that stands by while its own fork supervises: with --on-supervisor-death adopt.
//
// The process whose child the container's init is forks. The fork supervises; its parent keeps what
// the kernel has bound to it (the init's PR_SET_PDEATHSIG, the locks, pipes and the control
// socket), and looks after two ends. That of the init it reaps, and tells the fork how it was. When
// the fork is killed, it forks another one. When it is killed itself, the kernel kills the init:
// there is no moment in which a container runs with nobody over it.
//
// Source: prctl(2), PR_SET_PDEATHSIG; fork(2); unix(7), SOCK_SEQPACKET.
#pragma once

#include <functional>
#include <optional>

#include "base/error.h"
#include "container/signals.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {

class StandBy {
 public:
  struct Hooks {
    sys::Child* init = nullptr;  // what runs; null: between two runs
    const container::Signals* signals = nullptr;
    std::function<void()> begin;  // in the one that stands by, before it does
    std::function<void()> told;   // in the same: its fork has said told()
  };

  /// Comes back in the process that supervises from here on: in a fork of the caller, and each time
  /// that one is killed by a signal in another fork. The one that stood by until now is dismissed.
  /// When they are killed too often it comes back in the caller itself, and nobody stands by.
  /// Errors: no process can be made, and none was before.
  [[nodiscard]] Result<> split(const Hooks& hooks);

  /// How many have been killed in this place.
  [[nodiscard]] unsigned deaths() const { return deaths_; }
  /// pid of the last of them.
  [[nodiscard]] pid_t before() const { return before_; }
  /// pid of the one that stands by; 0: nobody.
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// How the init ended, once its end is seen. Nothing: who stood by was killed, and the init by
  /// that. Waits for no longer than five seconds.
  [[nodiscard]] std::optional<sys::WaitStatus> how_it_ended() const;

  /// The one that asked for the start has its answer: nobody else has to give it.
  void told() const;

  /// Nobody has to stand by any more: comes back when the one that did is gone.
  void dismiss();

 private:
  struct Watch;
  [[nodiscard]] bool wait_for_go(sys::UniqueFd socket, sys::UniqueFd before, pid_t parent);

  sys::UniqueFd socket_;  // to the one that stands by
  pid_t pid_ = 0;
  pid_t before_ = 0;
  unsigned deaths_ = 0;
  std::optional<sys::WaitStatus> ended_;
};

}  // namespace nucleus::supervisor
