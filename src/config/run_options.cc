#include "config/run_options.h"

#include <iterator>

namespace nucleus::config {
namespace {

using spec::Draft;

constexpr const char* kCommand = "Command";
constexpr const char* kFiles = "Files";
constexpr const char* kLimits = "Limits";
constexpr const char* kIsolation = "Isolation";
constexpr const char* kAnswer = "What is told";

struct Row {
  OptionText text;
  RunOption option;
};

constexpr Row kRows[] = {
    {{.name = "interactive",
      .letter = 'i',
      .group = kCommand,
      .help = "with --tty: pass standard input on (without --tty it always is)"},
     {.into = &Draft::interactive, .in_file = false}},
    {{.name = "tty",
      .letter = 't',
      .group = kCommand,
      .help = "give the command a terminal of the container's own"},
     {.into = &Draft::terminal, .in_file = false}},
    {{.name = "name",
      .form = "NAME",
      .group = kCommand,
      .help = "a name that no other running container has"},
     {.into = &Draft::name, .in_file = false}},
    {{.name = "hostname",
      .form = "NAME",
      .group = kCommand,
      .help = "host name inside",
      .initial = "the name, or nucleus"},
     {.into = &Draft::hostname}},
    {{.name = "workdir",
      .letter = 'w',
      .form = "DIR",
      .group = kCommand,
      .help = "working directory inside",
      .initial = "/context when there is one, or /"},
     {.into = &Draft::workdir}},
    {{.name = "env",
      .letter = 'e',
      .form = "KEY=VALUE",
      .group = kCommand,
      .help = "environment variable; KEY alone takes the caller's value; the last of two wins"},
     {.into = &Draft::env}},
    {{.name = "env-file",
      .form = "FILE",
      .group = kCommand,
      .help = "lines of KEY=VALUE, or KEY; what --env says wins",
      .values = "FILE"},
     {.into = &Request::env_files}},
    {{.name = "entrypoint",
      .form = "COMMAND",
      .group = kCommand,
      .help = "put before the command, whose words are then its arguments"},
     {.into = &Draft::entrypoint}},
    {{.name = "user",
      .letter = 'u',
      .form = "USER[:GROUP]",
      .group = kCommand,
      .help = "who the command is inside, by number or by name in the root's own /etc/passwd",
      .initial = "0:0, which is nobody outside"},
     {.into = &Draft::user}},
    {{.name = "group", .form = "GROUP", .group = kCommand, .help = "its group"},
     {.into = &Draft::group}},
    {{.name = "additional-group",
      .form = "GROUP",
      .group = kCommand,
      .help = "one more group for it"},
     {.into = &Draft::groups}},
    {{.name = "init",
      .group = kCommand,
      .help = "a small init as PID 1 reaps orphans and passes signals on",
      .initial = "on"},
     {.into = &Draft::init}},
    {{.name = "no-init", .group = kCommand, .help = "the command itself is PID 1"},
     {.into = &Request::without_init, .in_file = false}},
    {{.name = "rm",
      .group = kCommand,
      .help = "accepted for Docker's sake: nothing is ever left behind"},
     {.into = &Request::remove, .in_file = false}},

    {{.name = "context",
      .form = "DIR",
      .group = kFiles,
      .help = "a directory of the host to work on, as /context",
      .values = "DIR"},
     {.into = &Draft::context}},
    {{.name = "context-mode",
      .form = "copy|bind",
      .group = kFiles,
      .help = "copy: a private copy; bind: the directory itself, read-only",
      .initial = "copy",
      .values = "copy|bind"},
     {.into = &Draft::context_mode}},
    {{.name = "context-include",
      .form = "PATTERN",
      .group = kFiles,
      .help = "take in names that are left out of a copy as secrets (.env, *.pem, .ssh, ...)"},
     {.into = &Draft::context_include}},
    {{.name = "verify-context-integrity",
      .group = kFiles,
      .help = "check the copy of the context against its original, and tell its SHA-256"},
     {.into = &Draft::verify_context}},
    {{.name = "rootfs",
      .form = "DIR",
      .group = kFiles,
      .help = "a root file system; changes are kept apart and dropped at the end",
      .initial = "the host's /usr and a small /etc, read-only",
      .values = "DIR"},
     {.into = &Draft::rootfs}},
    {{.name = "read-only",
      .group = kFiles,
      .help = "a --rootfs that cannot be changed, not even apart"},
     {.into = &Draft::read_only}},
    {{.name = "volume",
      .letter = 'v',
      .form = "SOURCE:TARGET[:ro|rw]",
      .group = kFiles,
      .help = "show a file or directory of the host, read-only unless :rw; or a volume by its "
              "NAME, which is kept, writable unless :ro",
      .values = "FILE"},
     {.into = &Draft::volumes}},
    {{.name = "tmpfs",
      .form = "TARGET[:size=N,mode=M,exec]",
      .group = kFiles,
      .help = "an empty place in memory, of 64M unless told"},
     {.into = &Draft::tmpfs}},
    {{.name = "mount",
      .form = "type=bind,source=PATH,target=PATH[,rw]",
      .group = kFiles,
      .help = "the long form: type=tmpfs and type=volume too; paths may hold colons, and commas in "
              "double quotes; idmap=no does not keep owners"},
     {.into = &Draft::mounts}},
    {{.name = "device",
      .form = "PATH[:INSIDE][:rwm]",
      .group = kFiles,
      .help = "give a device of the host, such as /dev/fuse (weakens the isolation)",
      .values = "FILE"},
     {.into = &Draft::devices}},
    {{.name = "shm-size",
      .form = "SIZE",
      .group = kFiles,
      .help = "room in /dev/shm",
      .initial = "64M"},
     {.into = &Draft::shm_size}},
    {{.name = "secret",
      .form = "FILE[:NAME]",
      .group = kFiles,
      .help = "a file for the command's eyes only, in memory, as /run/secrets/NAME",
      .values = "FILE"},
     {.into = &Draft::secrets}},
    {{.name = "systemd-credential",
      .form = "CREDENTIAL[:NAME]",
      .group = kFiles,
      .help = "the same from the credentials that systemd gave to this service"},
     {.into = &Draft::credentials}},
    {{.name = "add-host", .form = "NAME:ADDRESS", .group = kFiles, .help = "a line of /etc/hosts"},
     {.into = &Draft::hosts}},

    {{.name = "memory",
      .letter = 'm',
      .form = "SIZE",
      .group = kLimits,
      .help = "memory limit: 64M, 2G"},
     {.into = &Draft::memory}},
    {{.name = "memory-swap",
      .form = "SIZE",
      .group = kLimits,
      .help = "memory and swap together",
      .initial = "no swap"},
     {.into = &Draft::memory_swap}},
    {{.name = "memory-reservation",
      .form = "SIZE",
      .group = kLimits,
      .help = "memory to be left to it when the host runs short"},
     {.into = &Draft::memory_reservation}},
    {{.name = "cpus",
      .form = "NUMBER",
      .group = kLimits,
      .help = "processors' worth of time: 0.5, 2"},
     {.into = &Draft::cpus}},
    {{.name = "cpu-weight",
      .form = "1-10000",
      .group = kLimits,
      .help = "share of busy processors",
      .initial = "100"},
     {.into = &Draft::cpu_weight}},
    {{.name = "cpuset-cpus",
      .form = "LIST",
      .group = kLimits,
      .help = "processors to run on: 0-1,3"},
     {.into = &Draft::cpuset_cpus}},
    {{.name = "cpuset-mems", .form = "LIST", .group = kLimits, .help = "memory nodes to use"},
     {.into = &Draft::cpuset_mems}},
    {{.name = "pids",
      .form = "N|max",
      .group = kLimits,
      .help = "most processes and threads",
      .initial = "512"},
     {.into = &Draft::pids}},
    {{.name = "io-limit",
      .form = "'MAJOR:MINOR KEY=N...'",
      .group = kLimits,
      .help = "a block device's rbps, wbps, riops or wiops a second"},
     {.into = &Draft::io_limits}},
    {{.name = "ulimit",
      .form = "NAME=SOFT[:HARD]",
      .group = kLimits,
      .help = "a limit of setrlimit(2): nofile=4096, stack=16777216"},
     {.into = &Draft::ulimits}},
    {{.name = "timeout",
      .form = "TIME",
      .group = kLimits,
      .help = "end the command after this time: 90, 1.5, 250ms, 5m, 1h"},
     {.into = &Draft::timeout}},

    {{.name = "network",
      .form = "none|host",
      .group = kIsolation,
      .help = "none: a loopback of its own; host: the host's",
      .initial = "none",
      .values = "none|host"},
     {.into = &Draft::network}},
    {{.name = "allow-host-network", .group = kIsolation, .help = "needed with --network host"},
     {.into = &Draft::allow_host_network}},
    {{.name = "userns",
      .form = "auto|host",
      .group = kIsolation,
      .help = "host: no user namespace (root only; weakens the isolation)",
      .initial = "auto",
      .values = "auto|host"},
     {.into = &Draft::userns}},
    {{.name = "time-namespace",
      .form = "monotonic=SECONDS,boottime=SECONDS",
      .group = kIsolation,
      .help = "clocks of its own, moved by what is told behind =",
      .value_optional = true},
     {.into = &Draft::time_namespace}},
    {{.name = "cap-add",
      .form = "NAME",
      .group = kIsolation,
      .help = "keep a capability: NET_BIND_SERVICE, CHOWN, ... (weakens the isolation)"},
     {.into = &Draft::cap_add}},
    {{.name = "seccomp-allow",
      .form = "CALL",
      .group = kIsolation,
      .help =
          "allow a system call that the policy refuses: ptrace, io_uring_setup, ... (weakens the "
          "isolation)"},
     {.into = &Draft::seccomp_allow}},
    {{.name = "allow-degraded",
      .form = "LAYER",
      .group = kIsolation,
      .help = "go on where the host cannot give a layer: landlock, keyring or cgroup (weakens the "
              "isolation there)",
      .values = "landlock|keyring|cgroup"},
     {.into = &Draft::allow_degraded}},
    {{.name = "sysctl",
      .form = "NAME=VALUE",
      .group = kIsolation,
      .help = "a setting of its own namespaces: net.*, kernel.shm* and the like"},
     {.into = &Draft::sysctls}},
    {{.name = "proc-rw",
      .group = kIsolation,
      .help = "leave /proc/sys writable (weakens the isolation)"},
     {.into = &Draft::proc_rw}},

    {{.name = "json",
      .group = kAnswer,
      .help = "print one object about the end on standard output, after the command's own"},
     {.into = &Request::json, .in_file = false}},
    {{.name = "result-file",
      .form = "FILE",
      .group = kAnswer,
      .help = "write that object to a file",
      .values = "FILE"},
     {.into = &Request::result_file, .in_file = false}},
    {{.name = "label", .form = "KEY=VALUE", .group = kAnswer, .help = "goes into that object"},
     {.into = &Draft::labels}},
    {{.name = "cidfile",
      .form = "FILE",
      .group = kAnswer,
      .help = "write the container's id to a new file",
      .values = "FILE"},
     {.into = &Draft::cidfile, .in_file = false}},
    {{.name = "pid-file",
      .form = "FILE",
      .group = kAnswer,
      .help = "write the pid of its first process to a file, which goes with it",
      .values = "FILE"},
     {.into = &Draft::pid_file, .in_file = false}},
    {{.name = "dry-run",
      .group = kAnswer,
      .help = "print what would be done, step by step, and do nothing; with --json as an object"},
     {.into = &Request::dry_run, .in_file = false}},
    {{.name = "explain",
      .group = kAnswer,
      .help = "print every setting with where it comes from, and do nothing; with --json too"},
     {.into = &Request::explain, .in_file = false}},
    {{.name = "profile",
      .form = "NAME",
      .group = kAnswer,
      .help = "take the settings of [profiles.NAME] of the configuration files"},
     {.into = &Request::profile, .in_file = false}},
    {{.name = "config",
      .form = "FILE|none",
      .group = kAnswer,
      .help = "read this configuration file instead of the usual two, or none",
      .initial = "/etc/nucleus/config.toml, then the user's own",
      .values = "FILE"},
     {.into = &Request::config, .in_file = false}},
    {{.name = "root",
      .form = "DIR",
      .group = kAnswer,
      .help = "directory of the records",
      .initial = "$NUCLEUS_STATE_DIR, /run/nucleus for root, $XDG_RUNTIME_DIR/nucleus",
      .values = "DIR"},
     {.into = &Request::state_root, .in_file = false}},
};

constexpr std::size_t kCount = std::size(kRows);

struct Texts {
  OptionText list[kCount]{};
  constexpr Texts() {
    for (std::size_t index = 0; index < kCount; ++index) list[index] = kRows[index].text;
  }
};

struct Options {
  RunOption list[kCount]{};
  constexpr Options() {
    for (std::size_t index = 0; index < kCount; ++index) list[index] = kRows[index].option;
  }
};

constexpr Texts kTexts;
constexpr Options kOptions;

}  // namespace

std::span<const OptionText> run_option_texts() { return kTexts.list; }

std::span<const RunOption> run_options() { return kOptions.list; }

std::vector<std::string> values_of(const RunOption& option, const Request& request) {
  std::vector<std::string> values;
  auto& all = const_cast<Request&>(request);  // with_member serves readers and writers
  with_member(option.into, all, [&](const auto& member) {
    using T = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<T, std::optional<bool>>) {
      if (member) values.emplace_back(*member ? "true" : "false");
    } else if constexpr (std::is_same_v<T, std::optional<std::string>>) {
      if (member) values.push_back(*member);
    } else {
      values = member;
    }
  });
  return values;
}

}  // namespace nucleus::config
