// Whether a running container is healthy: looked at again and again, one look after the other.
#pragma once

#include <functional>
#include <string>

#include "container/life.h"
#include "spec/container_spec.h"
#include "store/entry.h"
#include "supervisor/probe.h"
#include "sys/event_loop.h"

namespace nucleus::supervisor {

class Health {
 public:
  struct Hooks {
    std::function<bool()> paused;  // then it is not looked at, and what a look found does not count
    std::function<void(const store::Health&)> changed;
    std::function<void()> unhealthy;  // it has just become so; the object may be destroyed soon
  };

  /// Of one run of a container, from its start on. `spec` must outlive it.
  Health(sys::EventLoop& loop, const spec::ContainerSpec& spec, container::Life& life, Hooks hooks);
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;
  ~Health();

  /// The workload says that it is; for a probe of that kind, which it has to do in each interval.
  void alive();

 private:
  [[nodiscard]] bool is_told() const { return check_.probe.kind == spec::ProbeKind::sd_notify; }
  void schedule();
  void look();
  void found(const Prober::Answer& answer);

  sys::EventLoop& loop_;
  const spec::HealthCheck& check_;
  Hooks hooks_;
  Prober prober_;
  store::Health now_;
  sys::EventLoop::Clock::time_point counts_from_;  // the end of the start period
  sys::EventLoop::Id timer_ = 0, doubt_ = 0;
  bool alive_ = false;       // said so since the last look
  bool was_paused_ = false;  // when the time of the look was over
};

}  // namespace nucleus::supervisor
