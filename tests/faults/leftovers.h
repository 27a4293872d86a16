// What a run may not leave: processes are the tracer's business, this is everything else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/sandbox.h"

namespace nucleus::test {

/// What there is before a run, to be compared with what there is afterwards.
class Leftovers {
 public:
  explicit Leftovers(const Sandbox& sandbox);

  /// Empty when all is as it was; else what is not, a line each. Records and names may be there
  /// until `nucleus prune`, which this runs when there are any.
  [[nodiscard]] std::string found() const;

 private:
  const Sandbox& sandbox_;
  std::vector<std::string> files_;
  std::vector<std::string> mounts_;
};

/// Cgroups of containers directly below this process' own cgroups and below the roots of all
/// hierarchies: nucleus makes them nowhere else.
[[nodiscard]] std::vector<std::string> near_cgroups();

}  // namespace nucleus::test
