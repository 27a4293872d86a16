// What the benchmark of starts has measured, as a table and as JSON.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "contenders.h"
#include "measure.h"
#include "options.h"

namespace nucleus::bench {

struct Machine {
  std::string kernel;
  long cores = 0;
  std::array<double, 3> load{};
};

Machine describe_machine();

/// In the form that docs/benchmarks.md has.
void print_table(const std::vector<Contender*>& contenders);

std::string to_json(const Machine& machine, const Options& options, const Field& field,
                    const std::vector<Burst>& bursts, const std::vector<Memory>& memory);

}  // namespace nucleus::bench
