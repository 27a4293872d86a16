// Rounds, bursts and memory of the contenders.
#pragma once

#include <string>
#include <vector>

#include "contenders.h"

namespace nucleus::bench {

/// One call of each a round, in turns.
void run_rounds(const std::vector<Contender*>& contenders, int rounds);

struct Burst {
  std::string name;
  int starts = 0;
  int jobs = 0;
  int failures = 0;
  double seconds = 0;

  [[nodiscard]] double rate() const { return seconds > 0 ? starts / seconds : 0; }
};

/// 100 and 1,000 starts, `jobs` at a time; prints a table.
std::vector<Burst> run_bursts(const std::vector<Contender*>& contenders, int jobs);

struct Memory {
  std::string name;
  long kilobytes = 0;
};

/// The largest of some runs. ru_maxrss covers the program and the descendants that were waited for,
/// /bin/true too.
/// Prints a table.
std::vector<Memory> measure_memory(const std::vector<Contender*>& contenders);

}  // namespace nucleus::bench
