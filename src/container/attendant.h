// Who looks after a container in the foreground besides the one who runs it: shows it to others,
// and does what they ask.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "audit/trail.h"
#include "container/life.h"
#include "isolation/id_map.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"
#include "sys/event_loop.h"

namespace nucleus::container {

class Attendant {
 public:
  Attendant() = default;
  Attendant(const Attendant&) = delete;
  Attendant& operator=(const Attendant&) = delete;
  virtual ~Attendant() = default;

  /// The workload has ended, and what belongs to it is still there.
  virtual void ended() = 0;
  /// Nothing of it is left.
  virtual void over(const spec::Outcome& outcome) = 0;
};

/// What it gets to see; all of it outlives the attendant.
struct Attended {
  sys::EventLoop& loop;
  Life& life;
  const spec::ContainerSpec& spec;
  audit::Trail& trail;
  isolation::Caller caller;
  std::string id;
  std::string state_root;  // opened
};

using Attend = std::function<std::unique_ptr<Attendant>(const Attended&)>;

}  // namespace nucleus::container
