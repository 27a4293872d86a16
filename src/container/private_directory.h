// The directory that a workload without a root of its own has to itself: its HOME and TMPDIR, on
// the host's file system, gone with it.
#pragma once

#include <string>

#include "base/error.h"
#include "spec/container_spec.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

class PrivateDirectory {
 public:
  PrivateDirectory() = default;
  PrivateDirectory(PrivateDirectory&&) noexcept = default;
  PrivateDirectory& operator=(PrivateDirectory&&) noexcept = default;

  /// Makes it with mode 0700, for the ids of the workload. Errors: EEXIST, when somebody was
  /// faster.
  [[nodiscard]] static Result<PrivateDirectory> create(const std::string& path,
                                                       const spec::Identity& owner);

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Makes and opens a directory in it that belongs to the workload as well.
  [[nodiscard]] Result<sys::UniqueFd> make_inside(const std::string& name,
                                                  const spec::Identity& owner) const;

  /// Removes it with all that is in it. Once; nothing when there is none.
  Result<> remove();

 private:
  std::string path_;
  sys::UniqueFd fd_;
};

/// Removes a directory that a dead nucleus left, following no links. True when it is gone.
bool remove_tree(const std::string& path);

}  // namespace nucleus::container
