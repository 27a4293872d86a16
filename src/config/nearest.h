// The word that was meant: how far two are apart, and which of many is near enough to be offered.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nucleus::config {

/// Letters to insert, drop, replace or swap with their neighbour.
[[nodiscard]] std::size_t distance(const std::string& left, const std::string& right);

/// The nearest of `known`; empty when more than a third of the letters would have to be wrong.
[[nodiscard]] std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace nucleus::config
