// Whether a container that was just started is ready: asked until it is, or its time is over.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "container/life.h"
#include "spec/container_spec.h"
#include "supervisor/probe.h"
#include "sys/event_loop.h"

namespace nucleus::supervisor {

class Readiness {
 public:
  using Done = std::function<void(const Result<>&)>;

  /// `done` is called once, from the loop, which may destroy the object: it is ready, or its time
  /// is over. `spec` must outlive it.
  Readiness(sys::EventLoop& loop, const spec::ContainerSpec& spec, container::Life& life,
            Done done);
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  ~Readiness();

  /// The workload says so itself; for a probe of that kind.
  void told() { tell({}); }

 private:
  void look();
  void too_late();
  void tell(const Result<>& result);

  sys::EventLoop& loop_;
  const spec::ContainerSpec& spec_;
  Done done_;
  Prober prober_;
  std::chrono::milliseconds pause_{50};  // until the next look; grows
  std::string output_;                   // of the last one
  sys::EventLoop::Id next_ = 0, deadline_ = 0;
};

}  // namespace nucleus::supervisor
