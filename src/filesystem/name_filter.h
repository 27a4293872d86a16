// Decides by name alone which entries of a directory tree are left out of a copy.
//
// People keep private keys, tokens and .env files next to the code they work on. A copy of such a
// directory into a container must not hand them over by accident, so names that tend to hold
// secrets are left out unless the user lets them through again. This guards against accidents; it
// cannot find a secret in a file with an ordinary name. Patterns: fnmatch(3), see also glob(7).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nucleus::filesystem {

class NameFilter {
 public:
  /// Leaves out every name that tends to hold secrets.
  NameFilter() = default;
  /// Lets names that match one of the fnmatch patterns `include` through again; "*" lets all of
  /// them through.
  explicit NameFilter(const std::vector<std::string>& include);

  /// `name` is the last component of a path.
  [[nodiscard]] bool lets_through(std::string_view name) const;
  [[nodiscard]] bool lets_all_through() const { return all_; }

 private:
  std::vector<std::string> include_;
  bool all_ = false;
};

}  // namespace nucleus::filesystem
