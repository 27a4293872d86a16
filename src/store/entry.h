// What is kept of a container that outlives the command that started it:
// ROOT/containers/ID/record.json.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "spec/outcome.h"

namespace nucleus::store {

/// The states of the OCI runtime-spec, and two more: `paused`, and `failed` for one that was never
/// started because its start went wrong.
enum class Status { creating, created, running, paused, stopped, failed };

[[nodiscard]] const char* status_name(Status status);

/// Whether a container may go from one to the other; the one table of it.
[[nodiscard]] bool may_become(Status from, Status to);

/// How one run of it ended.
struct Ending {
  std::string reason;  // as spec::reason_name
  int code = 0;
  int signal = 0;
  std::string limit;
  std::string message;
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<std::uint64_t> cpu_usec;
  std::optional<std::uint64_t> oom_kills;
};

struct Health {
  std::string status;  // "starting", "healthy", "unhealthy"; empty: not looked at
  std::uint32_t failures = 0;
  std::string output;  // of the last probe
};

struct Entry {
  static constexpr int kVersion = 1;
  int version = kVersion;
  std::string id;
  std::string name;
  Status status = Status::creating;
  std::uint32_t owner = 0;        // uid of who created it
  std::int64_t created_usec = 0;  // since the epoch
  std::optional<std::int64_t> started_usec;
  std::optional<std::int64_t> finished_usec;
  std::int32_t supervisor = 0;  // pid, as long as its lock is held
  std::int32_t stand_by = 0;    // pid of who takes over when that one is killed; 0: nobody
  std::int32_t pid = 0;         // of the container's first process; 0: none
  std::uint32_t restarts = 0;
  std::optional<std::int64_t> restart_usec;  // when it is started again; absent: it is not
  std::string restart;      // the policy: "no", "on-failure:3", "always", "unless-stopped"
  bool remove = false;      // --rm
  bool foreground = false;  // its supervisor is the nucleus run in front; gone with that one
  std::string log_driver;   // "json", "journald", "none"
  std::vector<std::string> cgroups;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<Ending> ending;
  Health health;
  std::string status_text;  // what the workload last told of itself: sd_notify(3), STATUS
  std::vector<std::string> notes;
};

/// What the clock says, as records have it: microseconds since the epoch.
[[nodiscard]] std::int64_t now_usec();

[[nodiscard]] std::string to_json(const Entry& entry);
/// Errors: no JSON, a member missing, a version that is newer than ours.
[[nodiscard]] Result<Entry> entry_from_json(const std::string& text, const std::string& subject);

}  // namespace nucleus::store
