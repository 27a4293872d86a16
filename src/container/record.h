// The record of one running container: a locked file, from before anything is made until everything
// is gone.
//
// ROOT/state/ID lists the cgroup directories, one a line, and the private directory of a workload
// without namespaces ("private PATH"), written before they are made. Its nucleus
// holds its flock(2): a record whose lock is free belongs to a dead one. ROOT/by-name/NAME is a
// symbolic link whose text is the ID.
//
// Whoever comes next clears away what a killed nucleus left.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

class Record {
 public:
  Record() = default;
  Record(Record&& other) noexcept { *this = std::move(other); }
  Record& operator=(Record&& other) noexcept;
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
  ~Record() { remove(); }

  /// Makes and locks the record of a new container. `name` may be empty.
  /// What a dead one of the same id has left is cleared away first.
  /// Errors: the name is in use by a running container (EEXIST).
  [[nodiscard]] static Result<Record> create(const std::string& root, const std::string& id,
                                             const std::string& name,
                                             const std::vector<std::string>& cgroups,
                                             const std::string& private_directory = {});

  /// Removes name and record; what they stood for must be gone.
  void remove();

  /// Leaves the record for the next start to clear: something it stands for could not be removed.
  void abandon();

  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  std::string root_, id_, name_;
  sys::UniqueFd lock_;
};

/// Sixteen hexadecimal digits from the kernel's random numbers.
[[nodiscard]] std::string new_id();

/// The name of a container's cgroup directories.
[[nodiscard]] std::string cgroup_name(const std::string& id);

/// The cgroup directories that the text of the record of `id` lists; a path that can be no cgroup
/// of this container's own is passed over, so that a record never makes us touch another one. Pure.
[[nodiscard]] std::vector<std::string> recorded_cgroups(const std::string& text,
                                                        const std::string& id);

/// The same for the private directory of a container without namespaces; empty when there is none.
[[nodiscard]] std::string recorded_directory(const std::string& text, const std::string& id);

/// Clears away what dead containers left, looking at no more than `most` records. How many were
/// cleared.
std::size_t reclaim_dead(const std::string& root, std::size_t most);

/// Removes the names whose record is gone. A start leaves them: it takes the one that it wants.
/// Errors: the directory of the names cannot be locked or read.
[[nodiscard]] Result<> reclaim_names(const std::string& root);

}  // namespace nucleus::container
