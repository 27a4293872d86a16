// A container's cgroup: made from a plan, watched, read, removed. cgroups(7).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "resources/cgroup_plan.h"
#include "sys/unique_fd.h"

namespace nucleus::resources {

/// What to poll(2) for, and with which events.
struct EventSource {
  int fd = -1;
  short poll_events = 0;
};

struct Counters {
  std::optional<std::uint64_t> oom_kills = {};
  std::optional<std::uint64_t> pids_refused = {};  // forks that pids.max refused
  std::optional<std::uint64_t> peak_memory_bytes = {};
  std::optional<std::uint64_t> cpu_usec = {};
};

/// A file in which a process writes "0" to move itself into a cgroup.
struct Entrance {
  sys::UniqueFd fd;
  bool spare = false;  // it may be refused
};

class Leaf;

/// Owns the directories of one container: destroying it kills what is inside and removes them.
class Cgroup {
 public:
  Cgroup() = default;
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  /// Makes every directory and writes every limit; on failure nothing is left.
  /// Errors: EEXIST (the id is taken), EACCES, EINVAL (the kernel took a limit for nonsense), each
  /// naming the file.
  [[nodiscard]] static Result<Cgroup> create(const CgroupPlan& plan);

  [[nodiscard]] bool empty() const { return directories_.empty(); }

  /// The directory for clone3's CLONE_INTO_CGROUP (Linux 5.7), or -1 where v1 needs attach().
  [[nodiscard]] int clone_into_fd() const;

  /// The `tasks` of each v1 directory, of `leaf` where it lies in there, opened for the child,
  /// which enters before it does anything else. A thread that moves itself is not waited for:
  /// whoever writes into `cgroup.procs`, or moves another, stops all forks of the host first, a
  /// grace period of the kernel's, mostly 7 to 17 ms on a quiet host. cgroup-v1/cgroups.rst; so
  /// from Linux 5.5 on.
  [[nodiscard]] Result<std::vector<Entrance>> entrances(const Leaf* leaf = nullptr) const;

  /// Whether attach() has anything to do.
  [[nodiscard]] bool needs_attach(bool cloned_into) const;

  /// Moves process `pid` into the v2 directory, or `leaf`, if clone_into_fd() was of no use. Call
  /// from the parent, before the child is released. Errors: ESRCH if it is gone.
  [[nodiscard]] Result<> attach(pid_t pid, bool cloned_into, const Leaf* leaf = nullptr) const;

  /// Moves the caller, which has one thread, into every directory.
  [[nodiscard]] Result<> enter() const;

  /// The descriptors that tell when a limit was hit.
  [[nodiscard]] std::vector<EventSource> events() const;

  /// Refused forks are counted here but not told (v1): refused_forks() must be asked now and then.
  [[nodiscard]] bool needs_polling() const;

  /// The one counter of read_counters() that is asked for often; nothing where it cannot be read.
  [[nodiscard]] std::optional<std::uint64_t> refused_forks() const;

  /// Swallows one notification of events()[index].
  void acknowledge(std::size_t index);

  [[nodiscard]] Counters read_counters() const;

  /// Whether freeze() has a cgroup to do it in.
  [[nodiscard]] bool can_freeze() const;

  /// Stops everything inside until thaw(); comes back when it stands still. `cgroup.freeze` (Linux
  /// 5.2), or v1's freezer. Errors: EBUSY, something does not come to a stand within ten seconds;
  /// all of it then goes on.
  [[nodiscard]] Result<> freeze();
  Result<> thaw();

  /// SIGKILL to everything inside, frozen or not: `cgroup.kill` (Linux 5.14), or each listed
  /// process until none is left.
  void kill_all() const;

  /// Removes the directories; waits up to two seconds for the kernel to let go of the last dead
  /// process.
  Result<> remove();

  [[nodiscard]] std::vector<std::string> paths() const;

  /// Kills what is in the cgroups of further processes and removes them, whoever has made them.
  void remove_leaves() const;

 private:
  friend class Leaf;
  struct Directory {
    CgroupDirectory plan;
    sys::UniqueFd fd;
  };
  struct Watch {
    sys::UniqueFd fd;
    sys::UniqueFd file;  // v1 memory: the file behind the eventfd
    short poll_events = 0;
  };
  [[nodiscard]] static int fd_of(const Directory& directory, const Leaf* leaf);
  Result<> make(const CgroupDirectory& plan);
  Result<> watch(const Directory& directory);

  std::vector<Directory> directories_;
  std::vector<Watch> watches_;
  bool frozen_ = false;
};

/// A cgroup below a container's, for one further process and what comes of it: so that these can be
/// killed and nothing else. Empty where the container has none.
class Leaf {
 public:
  Leaf() = default;
  Leaf(Leaf&&) = default;
  Leaf& operator=(Leaf&&) = default;

  [[nodiscard]] static Result<Leaf> create(const Cgroup& cgroup, const std::string& name);

  [[nodiscard]] bool empty() const { return path_.empty(); }
  /// For CLONE_INTO_CGROUP, or -1.
  [[nodiscard]] int v2_fd() const { return v2_ ? fd_.get() : -1; }
  /// SIGKILL to everything in it, also to what is forked meanwhile; comes back when it is gone, or
  /// after a quarter of a second.
  void kill_all() const;
  /// Removes it, if nothing is left inside; else the container's end does.
  void remove();

 private:
  friend class Cgroup;
  std::string path_;
  sys::UniqueFd fd_;
  bool v2_ = false;
};

/// For all directories of a dead nucleus' container, before the first of them is reclaimed: what is
/// frozen on v1 does not die.
void thaw_cgroup(const std::string& path);

/// For a directory that a dead nucleus left: kills what is inside and removes it. True when it is
/// gone.
bool reclaim_cgroup(const std::string& path);

}  // namespace nucleus::resources
