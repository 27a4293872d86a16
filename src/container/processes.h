// The processes of a container that runs, as the host and as the container see them: proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nucleus::container {

struct Process {
  pid_t host_pid = 0;
  pid_t host_parent = 0;
  pid_t pid = 0;     // inside
  pid_t parent = 0;  // inside; 0: it is outside
  std::uint32_t host_uid = 0;
  std::optional<std::uint32_t> uid;  // inside; absent: one that has no number there
  std::string user;                  // by the container's /etc/passwd, or the number
  char state = '?';                  // as in /proc/PID/stat
  std::uint64_t memory_bytes = 0;    // resident
  std::uint64_t cpu_msec = 0;
  std::string name;                  // of the program, at most 15 characters
  std::vector<std::string> command;  // empty for one that has ended
  std::vector<pid_t> pids;           // of the outermost namespace first
};

/// Those below `supervisor`, or below the parent of `init`, that are in the pid namespace of
/// `init`, or in one below it, by host pid. What ends meanwhile is left out. Empty when `init` is
/// not there.
[[nodiscard]] std::vector<Process> processes_of(pid_t supervisor, pid_t init);

/// Pure: the texts of /proc/PID/status, stat and cmdline. Nothing when one of them is not whole.
[[nodiscard]] std::optional<Process> parse_process(const std::string& status,
                                                   const std::string& stat,
                                                   const std::string& cmdline);

/// Pure: the text of /proc/PID/uid_map. The number inside for one outside.
[[nodiscard]] std::optional<std::uint32_t> inside_id(const std::string& map, std::uint32_t outside);

}  // namespace nucleus::container
