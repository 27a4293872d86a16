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
#include "spec/isolation_level.h"
#include "spec/probe.h"

namespace nucleus::spec {

/// How many descriptors of the caller's can be handed on.
inline constexpr std::uint32_t kMostPreserved = 16;
/// Its number goes where the question marks are, just before it is executed.
inline constexpr const char* kListenPid = "LISTEN_PID=??????????";

/// Where a workload that notifies finds its socket.
inline constexpr const char* kNotifyDirectory = "/run/nucleus";
inline constexpr const char* kNotifySocket = "/run/nucleus/notify";

enum class NetworkMode { none, host };
enum class UserNamespace { separate, host };
enum class ContextMode { copy, bind };
/// Whether a volume's files keep their owners' numbers: where that can be had and is needed, or an
/// error; always; or not at all (strangers' files are then nobody's).
enum class OwnerMap { automatic, yes, no };

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups = {};  // supplementary ones
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct Context {
  std::string source;  // on the host, absolute
  ContextMode mode = ContextMode::copy;
  bool verify = false;               // that the copy is the original, by SHA-256
  std::vector<std::string> include;  // names that the filter would leave out and that are wanted
  ByteSize size;                     // of a copy: room for it and for what the command adds
};

struct Volume {
  std::string name = {};  // of one that nucleus keeps; empty: a file or directory of the user's
  std::string source;     // on the host, absolute
  std::string target;     // in the container, absolute and normal
  bool writable = false;
  OwnerMap owners = OwnerMap::automatic;
  std::string flag = {};  // whose wish it is, for the error: "--volume /a:/b"
};

/// A device of the host's, given to the workload.
struct Device {
  std::string source;  // on the host, absolute
  std::string target;  // in the container, below /dev
  bool read = true, write = true;
  std::string flag = {};  // whose wish it is, for the error
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

/// Where systemd-journald listens.
inline constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

enum class RestartPolicy { no, on_failure, always, unless_stopped };
enum class LogDriver { json, journald, none };

/// In production what container/invariants.h lists holds, or nothing is started.
enum class ServiceMode { agent, production };

/// What a supervisor does for a container that outlives the command that started it.
struct Supervision {
  RestartPolicy restart = RestartPolicy::no;
  std::uint32_t restart_most = 0;  // on_failure: 0 is without end
  bool as_unit = false;            // the supervisor is a service of systemd's
  bool adopt = false;   // another takes over when it is killed; else the container dies with it
  bool remove = false;  // --rm: nothing is kept of it when it has ended
  int stop_signal = 15;
  std::chrono::milliseconds stop_timeout{10'000};  // then SIGKILL
  LogDriver log_driver = LogDriver::json;
  ByteSize log_size{10ULL << 20};  // of one file
  std::uint32_t log_files = 3;     // how many are kept
  std::string log_socket;          // with LogDriver::journald
  HealthCheck health;
  Readiness readiness;
};

/// What is added to a clock of the host's; the nanoseconds count upwards from the seconds.
struct ClockOffset {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct Clocks {
  ClockOffset monotonic, boottime;
};

/// Layers that may be missing where the host cannot give them: then the container runs without, and
/// says so.
struct MayMiss {
  bool landlock = false;
  bool keyring = false;
  bool cgroup = false;
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
  std::string rootfs_sha256;  // of its whole tree, as `nucleus attest` prints it; empty: any
  std::optional<Context> context;
  std::vector<Volume> volumes;
  std::vector<Device> devices;
  std::vector<Tmpfs> tmpfs;
  std::vector<Secret> secrets;
  std::vector<std::pair<std::string, std::string>> hosts;    // name, address: lines of /etc/hosts
  std::vector<std::pair<std::string, std::string>> sysctls;  // "net/ipv4/ip_forward", value
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<Ulimit> ulimits;
  std::vector<int> capabilities;   // those that the workload keeps, CAP_* numbers
  std::vector<int> seccomp_allow;  // calls that the built-in policy refuses, by number
  ByteSize shm_size{64ULL << 20};
  bool read_only = false;  // a rootfs without its private layer for changes
  bool proc_rw = false;    // /proc/sys and its like stay writable, as far as the kernel lets them
  std::string hooks;       // a file of hooks, on the host, absolute; empty: none
  std::string cidfile, pid_file;  // on the host, absolute; empty: none
  std::string audit_log;          // on the host, absolute; empty: not audited
  Resources resources;
  NetworkMode network = NetworkMode::none;
  UserNamespace userns = UserNamespace::separate;
  MayMiss may_miss;
  std::optional<Clocks> clocks;             // of a time namespace of its own; absent: the host's
  std::optional<IsolationLevel> isolation;  // the level that was asked for; absent: the best
  std::string private_directory;            // on the host: HOME, TMPDIR; shares_host() only
  std::optional<std::chrono::milliseconds> timeout;
  std::uint32_t preserve_fds = 0;  // descriptors from 3 on that the workload gets of the caller's
  bool init = true;
  bool terminal = false;     // the streams are a terminal of the container's own
  bool interactive = false;  // ... which gets what nucleus reads
  bool detach = false;       // it outlives the command that starts it
  Supervision supervision;
  ServiceMode mode = ServiceMode::agent;

  /// No namespaces: the workload sees the host's own files, processes and ids, as far as Landlock
  /// and seccomp let it.
  [[nodiscard]] bool shares_host() const { return isolation == IsolationLevel::landlock; }

  /// The workload is given a socket at which it tells of itself: sd_notify(3).
  [[nodiscard]] bool notifies() const {
    return supervision.readiness.probe.kind == ProbeKind::sd_notify ||
           supervision.health.probe.kind == ProbeKind::sd_notify;
  }
};

}  // namespace nucleus::spec
