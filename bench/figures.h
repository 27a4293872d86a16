// What many times of one thing come to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nucleus::bench {

/// Milliseconds, as the times given.
struct Summary {
  std::size_t count = 0;
  double min = 0;
  double median = 0;
  double p95 = 0;
  double p99 = 0;
  double mean = 0;
};

/// All zero for no times at all. Percentiles by nearest rank.
Summary summarize(std::vector<double> times);

/// "1.25", or "-" when there is nothing to compare.
std::string ratio(double value, double base);

}  // namespace nucleus::bench
