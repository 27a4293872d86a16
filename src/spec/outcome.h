// How a container ended, and why: the record that `--json`, `--result-file` and (later) the state
// store show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace nucleus::spec {

enum class Reason { exited, signaled, oom, timeout, pids, seccomp, start_failed };

/// "exited", "signaled", "oom", "timeout", "pids", "seccomp", "start-failed".
[[nodiscard]] const char* reason_name(Reason reason);

/// The exit code of nucleus for a failure of this kind: 2 usage, 125 nucleus failed, 126 not
/// executable, 127 not found.
[[nodiscard]] int exit_code(Kind kind);

/// What the kernel says of a running workload, read back after the start; nothing here is taken
/// from the plan.
struct Layers {
  std::string isolation;  // spec/isolation_level.h
  std::vector<std::string>
      namespaces;  // those that differ from nucleus' own: "user", "pid", "mnt", …
  bool no_new_privs = false;
  int seccomp_mode = 0;  // 2 = filter
  int seccomp_filters = 0;
  std::string capabilities;  // the union of the five sets, hexadecimal; "0" when all are empty
  bool landlock =
      false;  // a domain was entered (the child reported it; the kernel has no way to ask)
  int landlock_abi = 0;
  std::string cgroup;  // its path, empty when none was needed
  bool limits_in_cgroup = false;
  std::vector<std::string> missing;  // layers that --allow-degraded let be missing
};

struct Outcome {
  std::string id;
  std::string name;
  Reason reason = Reason::exited;
  int code = 0;         // the exit code as a shell would see it: 128 + signal when signalled
  int signal = 0;       // 0 when it exited
  std::string limit;    // the limit that was hit, as its flag: "--memory 64 MiB"; empty when none
  std::string message;  // one line for a person; empty for an ordinary end
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<std::uint64_t> cpu_usec;
  std::uint64_t wall_usec = 0;
  std::optional<std::uint64_t> oom_kills;
  std::optional<std::uint64_t> pids_refused;
  std::string context_sha256;  // of what was verified; empty: nothing was
  Layers layers;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> notes;  // fallbacks taken, values rounded, names left out of the context
};

}  // namespace nucleus::spec
