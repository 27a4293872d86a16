#include "config/nearest.h"

#include <algorithm>

namespace nucleus::config {

std::size_t distance(const std::string& left, const std::string& right) {
  // Three rows of the table of Damerau and Levenshtein: swapping neighbours looks back two.
  std::vector<std::size_t> before;
  std::vector<std::size_t> last(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column) last[column] = column;
  for (std::size_t row = 1; row <= left.size(); ++row) {
    std::vector<std::size_t> now(right.size() + 1);
    now[0] = row;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const bool same = left[row - 1] == right[column - 1];
      now[column] =
          std::min({last[column] + 1, now[column - 1] + 1, last[column - 1] + (same ? 0U : 1U)});
      if (row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
          left[row - 2] == right[column - 1]) {
        now[column] = std::min(now[column], before[column - 2] + 1);
      }
    }
    before = std::move(last);
    last = std::move(now);
  }
  return last.back();
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string found;
  // A third of a word's letters may be wrong; more would be guessing.
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t far = distance(word, candidate);
    if (far < least) {
      least = far;
      found = candidate;
    }
  }
  return found;
}

}  // namespace nucleus::config
