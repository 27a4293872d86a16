#include "figures.h"

#include <algorithm>
#include <cstdio>

namespace nucleus::bench {

Summary summarize(std::vector<double> times) {
  Summary summary{.count = times.size()};
  if (times.empty()) return summary;
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  summary.min = times.front();
  summary.median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  summary.p95 = times[(times.size() * 95 + 99) / 100 - 1];
  summary.p99 = times[(times.size() * 99 + 99) / 100 - 1];
  for (const double time : times) summary.mean += time;
  summary.mean /= static_cast<double>(times.size());
  return summary;
}

std::string ratio(double value, double base) {
  if (value <= 0 || base <= 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value / base);
  return text;
}

}  // namespace nucleus::bench
