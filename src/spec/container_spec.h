// What is to be run, whole and checked: the immutable value that everything below the command line
// works from.
//
// Made only by validate() (spec/validate.h). No field is optional unless its absence has a meaning
// of its own. Terms are those of the OCI runtime-spec where it has one. Pure data: no descriptors,
// no host facts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "spec/probe.h"

namespace nucleus::spec {

enum class NetworkMode { none, host };
enum class UserNamespace { separate, host };
enum class ContextMode { copy, bind };

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups = {};  // supplementary ones
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct Context {
  std::string source;  // on the host, absolute
  ContextMode mode = ContextMode::copy;
  std::vector<std::string> include;  // names that the filter would leave out and that are wanted
};

struct Volume {
  std::string source;  // on the host, absolute
  std::string target;  // in the container, absolute and normal
  bool writable = false;
};

struct Tmpfs {
  std::string target;
  ByteSize size;
  std::uint32_t mode = 01777;
  bool executable = false;
};

/// A file that only the workload can read, at /run/secrets/NAME, in memory.
struct Secret {
  std::string source;  // on the host, absolute
  std::string name;
  std::string flag;  // whose wish it is, for the error
};

/// setrlimit(2); RLIM_INFINITY is "unlimited".
struct Ulimit {
  std::string name;
  int resource = 0;
  std::uint64_t soft = 0, hard = 0;
};

/// One value of cgroup-v2.rst, "IO Interface Files": riops, wiops, rbps or wbps of a block device.
struct IoLimit {
  std::string device;  // "8:0"
  std::string key;
  std::uint64_t value = 0;
};

struct Resources {
  std::optional<ByteSize> memory;
  std::optional<ByteSize>
      memory_swap;  // memory and swap together, as Docker counts; absent: no swap
  std::optional<ByteSize> memory_reservation;  // kept from reclaim as long as others have more
  std::vector<IoLimit> io;
  std::optional<CpuQuota> cpus;
  std::optional<std::uint32_t> cpu_weight;  // 1 to 10000, 100 is the kernel's default
  std::optional<std::uint64_t> pids;        // absent: without a limit
  bool pids_asked = false;  // the user named it, so that it must be enforced exactly
  std::string cpuset_cpus;  // cpuset(7) list, empty: all
  std::string cpuset_mems;
};

enum class RestartPolicy { no, on_failure, always, unless_stopped };
enum class LogDriver { json, none };

/// What a supervisor does for a container that outlives the command that started it.
struct Supervision {
  RestartPolicy restart = RestartPolicy::no;
  std::uint32_t restart_most = 0;  // on_failure: 0 is without end
  bool remove = false;             // --rm: nothing is kept of it when it has ended
  int stop_signal = 15;
  std::chrono::milliseconds stop_timeout{10'000};  // then SIGKILL
  LogDriver log_driver = LogDriver::json;
  ByteSize log_size{10ULL << 20};  // of one file
  std::uint32_t log_files = 3;     // how many are kept
  HealthCheck health;
  Readiness readiness;
};

struct ContainerSpec {
  std::string name;  // empty: none given
  std::string hostname;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // KEY=VALUE, the last of two wins already applied
  std::string cwd;
  std::string home;  // the value of HOME; a tmpfs when the root is the curated one
  Identity identity;
  std::optional<std::string> rootfs;
  std::optional<Context> context;
  std::vector<Volume> volumes;
  std::vector<Tmpfs> tmpfs;
  std::vector<Secret> secrets;
  std::vector<std::pair<std::string, std::string>> hosts;    // name, address: lines of /etc/hosts
  std::vector<std::pair<std::string, std::string>> sysctls;  // "net/ipv4/ip_forward", value
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<Ulimit> ulimits;
  std::vector<int> capabilities;  // those that the workload keeps, CAP_* numbers
  ByteSize shm_size{64ULL << 20};
  bool read_only = false;  // a rootfs without its private layer for changes
  bool proc_rw = false;    // /proc/sys and its like stay writable, as far as the kernel lets them
  std::string cidfile, pid_file;  // on the host, absolute; empty: none
  Resources resources;
  NetworkMode network = NetworkMode::none;
  UserNamespace userns = UserNamespace::separate;
  std::optional<std::chrono::milliseconds> timeout;
  bool init = true;
  bool terminal = false;     // the streams are a terminal of the container's own
  bool interactive = false;  // ... which gets what nucleus reads
  bool detach = false;       // it outlives the command that starts it
  Supervision supervision;
};

}  // namespace nucleus::spec
