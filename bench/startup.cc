// startup: how long a sandboxed /bin/true takes from spawn to reap, beside the least it could take
// and beside others.
//
// All contenders run interleaved in one process: a round is one call of each, the order is rotated
// a round and reversed every second one, so that drift of the machine and the clean-up a contender
// leaves to the kernel (network namespaces are torn down after the exit) fall on all of them alike.

#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr unsigned kHangSeconds = 60;  // a call that takes longer is killed and its contender fails
constexpr int kWarmUps = 3;
constexpr int kMemoryRuns = 5;

// ----------------------------------------------------------------------------------------------------------
// signals

volatile std::sig_atomic_t stop_signal = 0;

struct Interrupted {};  // thrown so that every destructor runs

extern "C" void on_signal(int number) {
  if (number != SIGALRM) stop_signal = number;
}

void install_handlers() {
  struct sigaction action{};
  action.sa_handler = on_signal;  // no SA_RESTART: a wait is to end
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGALRM}) sigaction(number, &action, nullptr);
}

void check_stop() {
  if (stop_signal != 0) throw Interrupted{};
}

[[noreturn]] void fail(const std::string& what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

// -----------------------------------------------------------------------------------------------------------
// options

struct Options {
  std::string nucleus;
  std::string floor;
  std::string as_user;
  std::string json;
  std::vector<std::string> only;
  int rounds = 200;
  int jobs = 2;
  bool burst = true;

  [[nodiscard]] bool wants(std::string_view name) const {
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  }
};

[[noreturn]] void usage(int status) {
  std::fputs(
      "usage: startup [--nucleus PATH] [--floor PATH] [--rounds N] [--only NAME,NAME] [--as-user "
      "NAME|UID]\n"
      "               [--no-burst] [--jobs N] [--json FILE]\n"
      "names: true version floor nucleus nucleus-limits nucleus-context-copy nucleus-context-bind\n"
      "       nucleus-rootless floor-rootless bwrap bwrap-rootless crun runc docker\n",
      status == 0 ? stdout : stderr);
  std::exit(status);
}

int positive(std::string_view option, std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) {
    std::fprintf(stderr, "startup: %s takes a positive number, not \"%s\"\n",
                 std::string(option).c_str(), std::string(text).c_str());
    usage(2);
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int index = 1; index < argc; ++index) {
    const std::string_view option = argv[index];
    if (option == "--help") usage(0);
    if (option == "--no-burst") {
      options.burst = false;
      continue;
    }
    if (index + 1 == argc) usage(2);
    const std::string value = argv[++index];
    if (option == "--nucleus") {
      options.nucleus = value;
    } else if (option == "--floor") {
      options.floor = value;
    } else if (option == "--as-user") {
      options.as_user = value;
    } else if (option == "--json") {
      options.json = value;
    } else if (option == "--rounds") {
      options.rounds = positive(option, value);
    } else if (option == "--jobs") {
      options.jobs = positive(option, value);
    } else if (option == "--only") {
      for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        if (end > begin) options.only.push_back(value.substr(begin, end - begin));
        begin = end + 1;
      }
    } else {
      usage(2);
    }
  }
  return options;
}

std::string on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "";
  rest += ":/usr/sbin:/sbin:/usr/bin:/bin";
  for (std::size_t begin = 0; begin < rest.size();) {
    const std::size_t end = std::min(rest.find(':', begin), rest.size());
    const std::string candidate = rest.substr(begin, end - begin) + "/" + name;
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

/// The program given by option, or found beside this one or in its build tree; an absolute path, or
/// empty.
std::string find_program(const std::string& given, const std::string& name) {
  if (!given.empty()) {
    if (::access(given.c_str(), X_OK) != 0) fail(given);
    return fs::absolute(given).lexically_normal();
  }
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const char* where :
       {".", "../bin", "../bench", "bin", "build/release/bin", "build/release/bench"}) {
    for (const fs::path& base : {here, fs::current_path()}) {
      const fs::path candidate = (base / where / name).lexically_normal();
      if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
        return candidate;
    }
  }
  return on_path(name);
}

// ------------------------------------------------------------------------------------------------
// temporary directory

/// True if anything is mounted at or below `directory`: then removing it recursively could reach
/// outside it.
bool has_mounts(const std::string& directory) {
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::size_t begin = 0;
    for (int field = 0; field < 4; ++field) begin = line.find(' ', begin) + 1;
    const std::string point = line.substr(begin, line.find(' ', begin) - begin);
    if (point == directory || point.starts_with(directory + "/")) return true;
  }
  return false;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = (fs::canonical(fs::temp_directory_path()) / "nucleus-bench.XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) fail("mkdtemp " + path_);
    if (::chmod(path_.c_str(), 0755) < 0)
      fail("chmod " + path_);  // the rootless contender reads in it
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    if (has_mounts(path_)) {
      std::fprintf(stderr, "startup: %s is left: something is still mounted in it\n",
                   path_.c_str());
      return;
    }
    std::error_code error;
    fs::remove_all(path_, error);
    if (error)
      std::fprintf(stderr, "startup: cannot remove %s: %s\n", path_.c_str(),
                   error.message().c_str());
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) fail("write " + path, EIO);
}

std::string make_context(const std::string& base) {
  const std::string root = base + "/context";
  const std::string text(1024, 'x');
  for (int directory = 0; directory < 20; ++directory) {
    const std::string path = root + "/d" + std::to_string(directory);
    fs::create_directories(path);
    for (int file = 0; file < 50; ++file) write_file(path + "/f" + std::to_string(file), text);
  }
  return root;
}

// --------------------------------------------------------------------------------------------------
// spawning processes

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
  std::string home;
};

/// The ids a spawned process is to have. The real and effective ids change and the saved one stays
/// root, to come back; exec copies the effective id over the saved one, so nothing of root is left
/// in the contender.
class Become {
 public:
  explicit Become(const std::optional<User>& user) : active_(user.has_value()) {
    if (!active_) return;
    groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) fail("getgroups");
    if (::setgroups(1, &user->gid) < 0 || ::setresgid(user->gid, user->gid, 0) < 0 ||
        ::setresuid(user->uid, user->uid, 0) < 0) {
      fail("become uid " + std::to_string(user->uid));
    }
  }
  Become(const Become&) = delete;
  Become& operator=(const Become&) = delete;
  ~Become() {
    if (!active_) return;
    if (::setresuid(0, 0, 0) < 0 || ::setresgid(0, 0, 0) < 0 ||
        ::setgroups(groups_.size(), groups_.data()) < 0) {
      std::perror("startup: become root again");
      std::abort();
    }
  }

 private:
  bool active_;
  std::vector<gid_t> groups_;
};

/// A command with all that posix_spawn needs made beforehand, so that nothing of it is in the time
/// measured.
class Command {
 public:
  Command(std::vector<std::string> arguments, std::optional<User> user)
      : arguments_(std::move(arguments)), user_(std::move(user)) {
    environment_.emplace_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    environment_.emplace_back("HOME=" + (user_ ? user_->home : std::string("/root")));
    environment_.emplace_back("LANG=C");
    for (std::string& item : arguments_) argv_.push_back(item.data());
    for (std::string& item : environment_) envp_.push_back(item.data());
    argv_.push_back(nullptr);
    envp_.push_back(nullptr);
    build(quiet_, "/dev/null");
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() { posix_spawn_file_actions_destroy(&quiet_); }

  [[nodiscard]] pid_t spawn(const std::string& error_file = {}) const {
    if (error_file.empty()) return spawn_with(quiet_);
    posix_spawn_file_actions_t actions;
    build(actions, error_file.c_str());
    const pid_t pid = spawn_with(actions);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
  }

  /// By fork, not posix_spawn: exec carries the peak of the memory it replaces into ru_maxrss, and
  /// with vfork that would be the peak of this whole program.
  [[nodiscard]] pid_t fork_exec() const {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
    if (::chdir("/") == 0) ::execve(argv_[0], argv_.data(), envp_.data());
    ::_exit(127);
  }

  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  [[nodiscard]] const std::optional<User>& user() const { return user_; }

 private:
  static void build(posix_spawn_file_actions_t& actions, const char* error_file) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, error_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
  }

  [[nodiscard]] pid_t spawn_with(const posix_spawn_file_actions_t& actions) const {
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, argv_[0], &actions, nullptr, argv_.data(), envp_.data());
    if (error != 0) fail(arguments_[0], error);
    return pid;
  }

  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::optional<User> user_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  posix_spawn_file_actions_t quiet_{};
};

int status_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/// Ends a process that was interrupted or hangs, politely first: a runtime then removes what it
/// made.
void end_process(pid_t pid) {
  siginfo_t info{};
  ::kill(pid, SIGTERM);
  for (int tries = 0; tries < 200; ++tries) {
    info.si_pid = 0;
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) < 0 && errno != EINTR)
      return;
    if (info.si_pid == pid) return;
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 10'000'000};
    ::nanosleep(&kPause, nullptr);
  }
  ::kill(pid, SIGKILL);
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) < 0 && errno == EINTR) {
  }
}

/// The exit status; 255 for a process that had to be ended.
int reap(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) == 0) return status_of(info);
  const int error = errno;
  if (error != EINTR) fail("waitid", error);
  end_process(pid);
  check_stop();
  return 255;
}

/// Takes the orphans a contender left: bwrap ends before its inner process is reaped, and an init
/// that does not reap would keep that for ever. Only while no spawned process is awaited.
void reap_orphans() {
  siginfo_t info{};
  do {
    info.si_pid = 0;
  } while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0);
}

/// The same at the end, when those still ending are waited for; one that stays for 2 s is left to
/// init.
void reap_last_orphans() {
  siginfo_t info{};
  for (int tries = 0; tries < 200; ++tries) {
    reap_orphans();
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return;  // no child is left
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 10'000'000};
    ::nanosleep(&kPause, nullptr);
  }
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Call {
  double milliseconds = 0;
  int status = 0;
};

Call timed(const Command& command) {
  ::alarm(kHangSeconds);
  std::int64_t begin = 0;
  std::int64_t end = 0;
  int status = 0;
  {
    const Become ids(command.user());
    begin = now();
    const pid_t pid = command.spawn();
    status = reap(pid);
    end = now();
  }
  ::alarm(0);
  return {.milliseconds = static_cast<double>(end - begin) / 1e6, .status = status};
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  while (line.empty() && std::getline(in, line)) {
  }
  return line.empty() ? "nothing on stderr" : line;
}

/// Why the command does not work, or nothing if it does.
std::optional<std::string> trial(const Command& command, const std::string& directory) {
  // Made by root and writable by the contender's user, in a directory that is not sticky.
  const std::string file = directory + "/stderr";
  write_file(file, "");
  if (::chmod(file.c_str(), 0666) < 0) fail("chmod " + file);
  ::alarm(kHangSeconds);
  int status = 0;
  try {
    const Become ids(command.user());
    status = reap(command.spawn(file));
  } catch (const std::system_error& error) {
    ::alarm(0);
    return error.what();
  }
  ::alarm(0);
  if (status == 0) return std::nullopt;
  return "exit " + std::to_string(status) + ": " + first_line(file);
}

// ---------------------------------------------------------------------------------------------------------
// OCI bundle

bool is_static(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!in.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  in.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int index = 0; index < header.e_phnum; ++index) {
    Elf64_Phdr segment{};
    if (!in.read(reinterpret_cast<char*>(&segment), sizeof segment)) return false;
    if (segment.p_type == PT_INTERP) return false;
  }
  return true;
}

/// What `runc spec` writes, without a terminal and with /bin/true.
constexpr std::string_view kConfigHead = R"({
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0},
    "args": ["/bin/true"],
    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "bench",
  "mounts": [)";
constexpr std::string_view kConfigUsr = R"(
    {"destination": "/usr", "type": "none", "source": "/usr", "options": ["rbind", "ro"]},)";
constexpr std::string_view kConfigTail = R"(
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
  ],
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
}
)";

/// Makes the bundle and says which root it has.
std::string make_bundle(const std::string& bundle) {
  const std::string root = bundle + "/rootfs";
  for (const char* name : {"/proc", "/dev", "/sys", "/etc", "/tmp"})
    fs::create_directories(root + name);
  const bool busybox = is_static("/bin/busybox");
  std::string config(kConfigHead);
  if (busybox) {
    fs::create_directory(root + "/bin");
    fs::copy_file("/bin/busybox", root + "/bin/busybox");
    fs::create_symlink("busybox", root + "/bin/true");
  } else {
    fs::create_directory(root + "/usr");
    std::error_code ignored;
    for (const char* name : {"bin", "sbin", "lib", "lib64"}) {
      const fs::path target = fs::read_symlink(std::string("/") + name, ignored);
      if (!ignored) fs::create_symlink(target, root + "/" + name);
    }
    config += kConfigUsr;
  }
  config += kConfigTail;
  write_file(bundle + "/config.json", config);
  return busybox ? "static busybox" : "bind of /usr";
}

/// Ends what a killed crun or runc left: its containers' states lie in our own directory.
class OciStates {
 public:
  OciStates() = default;
  OciStates(const OciStates&) = delete;
  OciStates& operator=(const OciStates&) = delete;
  ~OciStates() {
    for (const auto& [program, state] : states_) {
      std::error_code ignored;
      for (const auto& entry : fs::directory_iterator(state, ignored)) {
        if (!entry.is_directory(ignored)) continue;
        try {
          const Command command(
              {program, "--root", state, "delete", "--force", entry.path().filename()},
              std::nullopt);
          const pid_t pid = command.spawn();
          siginfo_t info{};
          while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) < 0 && errno == EINTR) {
          }
        } catch (const std::exception& error) {
          std::fprintf(stderr, "startup: %s\n", error.what());
        }
      }
    }
  }
  void add(const std::string& program, const std::string& state) {
    states_.emplace_back(program, state);
  }

 private:
  std::vector<std::pair<std::string, std::string>> states_;
};

// ---------------------------------------------------------------------------------------------------------
// contenders

struct Contender {
  Contender(std::string key, std::string title, std::vector<std::string> arguments,
            std::optional<User> user = {})
      : name(std::move(key)),
        label(std::move(title)),
        command(std::move(arguments), std::move(user)) {}

  std::string name;
  std::string label;
  Command command;
  std::vector<double> times{};
  int failures = 0;
};

struct LeftOut {
  std::string name;
  std::string reason;
};

std::optional<User> find_user(const std::string& given) {
  const std::string name = given.empty() ? "nucleus-test" : given;
  unsigned uid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  const bool number = error == std::errc{} && end == name.data() + name.size();
  const passwd* entry = number ? ::getpwuid(uid) : ::getpwnam(name.c_str());
  if (entry != nullptr)
    return User{.uid = entry->pw_uid, .gid = entry->pw_gid, .name = name, .home = entry->pw_dir};
  if (number) return User{.uid = uid, .gid = uid, .name = name, .home = "/"};
  return std::nullopt;
}

class Field {
 public:
  Field(const Options& options, const std::string& directory, OciStates& states)
      : options_(options), directory_(directory), states_(states) {}

  void gather() {
    const std::string nucleus = find_program(options_.nucleus, "nucleus");
    const std::string floor = find_program(options_.floor, "floor");
    const std::string bwrap = on_path("bwrap");
    const std::vector<std::string> bwrap_call = {
        bwrap,       "--unshare-all", "--ro-bind", "/usr",     "/usr",  "--symlink",
        "usr/bin",   "/bin",          "--symlink", "usr/lib",  "/lib",  "--symlink",
        "usr/lib64", "/lib64",        "--proc",    "/proc",    "--dev", "/dev",
        "--tmpfs",   "/tmp",          "--",        "/bin/true"};

    add("true", "/bin/true", {"/bin/true"});
    program("floor", floor, "floor (least work)", {floor, "/bin/true"});
    program("version", nucleus, "nucleus --version", {nucleus, "--version"});
    program("nucleus", nucleus, "nucleus run", {nucleus, "run", "--", "/bin/true"});
    program("nucleus-limits", nucleus, "nucleus run, limits",
            {nucleus, "run", "--memory", "64M", "--cpus", "1", "--pids", "64", "--", "/bin/true"});
    std::string files;
    if (options_.wants("nucleus-context-copy") || options_.wants("nucleus-context-bind")) {
      files = make_context(directory_);
    }
    program("nucleus-context-copy", nucleus, "nucleus run, 1,000 files copied",
            {nucleus, "run", "--context", files, "--", "/bin/true"});
    program("nucleus-context-bind", nucleus, "nucleus run, 1,000 files bound",
            {nucleus, "run", "--context", files, "--context-mode", "bind", "--", "/bin/true"});
    program("bwrap", bwrap, "bwrap", bwrap_call);
    rootless(nucleus, floor, bwrap, bwrap_call);
    oci();
    docker();
  }

  std::vector<Contender*> contenders() const {
    std::vector<Contender*> list;
    for (const auto& item : contenders_) list.push_back(item.get());
    return list;
  }
  [[nodiscard]] const std::vector<LeftOut>& left_out() const { return left_out_; }

 private:
  void leave_out(const std::string& name, const std::string& reason) {
    if (!options_.wants(name)) return;
    left_out_.push_back({name, reason});
    std::printf("left out: %s: %s\n", name.c_str(), reason.c_str());
  }

  /// Tries the contender, which then takes part; or why it does not work.
  std::optional<std::string> attempt(std::string name, std::string label,
                                     std::vector<std::string> arguments,
                                     std::optional<User> user = {}) {
    check_stop();
    auto item = std::make_unique<Contender>(std::move(name), std::move(label), std::move(arguments),
                                            std::move(user));
    for (int count = 0; count < kWarmUps; ++count) {
      auto reason = trial(item->command, directory_);
      reap_orphans();
      if (reason) return reason;
    }
    contenders_.push_back(std::move(item));
    return std::nullopt;
  }

  void add(const std::string& name, std::string label, std::vector<std::string> arguments,
           std::optional<User> user = {}) {
    if (!options_.wants(name)) return;
    if (auto reason = attempt(name, std::move(label), std::move(arguments), std::move(user)))
      leave_out(name, *reason);
  }

  void program(const std::string& name, const std::string& path, std::string label,
               std::vector<std::string> arguments, std::optional<User> user = {}) {
    if (path.empty()) {
      leave_out(name, "the program is not found");
    } else {
      add(name, std::move(label), std::move(arguments), std::move(user));
    }
  }

  void rootless(const std::string& nucleus, const std::string& floor, const std::string& bwrap,
                const std::vector<std::string>& bwrap_call) {
    std::string reason;
    std::optional<User> user;
    if (::geteuid() != 0) {
      reason = "not root, so the other contenders are rootless already";
    } else if (user = find_user(options_.as_user); !user) {
      reason = "no user " + (options_.as_user.empty() ? "nucleus-test" : options_.as_user) +
               " (--as-user)";
    } else if (user->uid == 0) {
      reason = "--as-user is root";
    }
    if (!reason.empty()) {
      for (const char* name : {"nucleus-rootless", "floor-rootless", "bwrap-rootless"})
        leave_out(name, reason);
      return;
    }
    const std::string as = ", as " + user->name;
    program("nucleus-rootless", nucleus, "nucleus run" + as, {nucleus, "run", "--", "/bin/true"},
            user);
    program("floor-rootless", floor, "floor" + as, {floor, "/bin/true"}, user);
    program("bwrap-rootless", bwrap, "bwrap" + as, bwrap_call, user);
  }

  void oci() {
    if (!options_.wants("crun") && !options_.wants("runc")) return;
    const std::string bundle = directory_ + "/bundle";
    const std::string root = make_bundle(bundle);
    for (const std::string name : {"crun", "runc"}) {
      if (!options_.wants(name)) continue;
      const std::string path = on_path(name);
      if (path.empty()) {
        leave_out(name, "the program is not found");
        continue;
      }
      const std::string state = directory_ + "/" + name + "-state";
      const std::string id = "nucleus-bench-" + std::to_string(::getpid());
      states_.add(path, state);
      const auto refusal = attempt(name, name + " run (" + root + ")",
                                   {path, "--root", state, "run", "--bundle", bundle, id});
      if (!refusal) continue;
      // crun refuses a hybrid cgroup hierarchy; without a cgroup it does less than the others,
      // which its label says.
      if (name == "crun" && !attempt(name, "crun run, no cgroup (" + root + ")",
                                     {path, "--root", state, "--cgroup-manager", "disabled", "run",
                                      "--bundle", bundle, id})) {
        std::printf("crun without a cgroup, for with one it says: %s\n", refusal->c_str());
        continue;
      }
      leave_out(name, *refusal);
    }
  }

  void docker() {
    if (!options_.wants("docker")) return;
    const std::string path = on_path("docker");
    if (path.empty()) return leave_out("docker", "the program is not found");
    const Command info({path, "version", "--format", "{{.Server.Version}}"}, std::nullopt);
    if (const auto reason = trial(info, directory_)) return leave_out("docker", *reason);
    add("docker", "docker run (busybox)",
        {path, "run", "--rm", "--pull", "never", "--network", "none", "busybox", "true"});
  }

  const Options& options_;
  const std::string& directory_;
  OciStates& states_;
  std::vector<std::unique_ptr<Contender>> contenders_;
  std::vector<LeftOut> left_out_;
};

// -------------------------------------------------------------------------------------------------------------
// rounds

void run_rounds(const std::vector<Contender*>& contenders, int rounds) {
  const std::size_t count = contenders.size();
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t step = 0; step < count; ++step) {
      check_stop();
      const std::size_t turned = (step + static_cast<std::size_t>(round)) % count;
      Contender& item = *contenders[round % 2 == 0 ? turned : count - 1 - turned];
      const Call call = timed(item.command);
      reap_orphans();
      if (call.status == 0) {
        item.times.push_back(call.milliseconds);
      } else {
        ++item.failures;
      }
    }
  }
}

struct Summary {
  std::size_t count = 0;
  double min = 0;
  double median = 0;
  double p95 = 0;
  double mean = 0;
};

Summary summarize(std::vector<double> times) {
  Summary summary{.count = times.size()};
  if (times.empty()) return summary;
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  summary.min = times.front();
  summary.median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  summary.p95 = times[(times.size() * 95 + 99) / 100 - 1];  // nearest rank
  for (const double time : times) summary.mean += time;
  summary.mean /= static_cast<double>(times.size());
  return summary;
}

double median_of(const std::vector<Contender*>& contenders, std::string_view name) {
  for (const Contender* item : contenders) {
    if (item->name == name) return summarize(item->times).median;
  }
  return 0;
}

std::string ratio(double value, double base) {
  if (value <= 0 || base <= 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value / base);
  return text;
}

void print_table(const std::vector<Contender*>& contenders) {
  const double floor = median_of(contenders, "floor");
  const double bwrap = median_of(contenders, "bwrap");
  std::size_t width = 9;
  for (const Contender* item : contenders) width = std::max(width, item->label.size());
  const int pad = static_cast<int>(width);
  std::printf("\n| %-*s | min ms | median ms | p95 ms | to floor | to bwrap |\n", pad, "contender");
  std::printf("|:%s-|-------:|----------:|-------:|---------:|---------:|\n",
              std::string(width, '-').c_str());
  for (const Contender* item : contenders) {
    const Summary summary = summarize(item->times);
    std::printf("| %-*s | %6.2f | %9.2f | %6.2f | %8s | %8s |\n", pad, item->label.c_str(),
                summary.min, summary.median, summary.p95, ratio(summary.median, floor).c_str(),
                ratio(summary.median, bwrap).c_str());
  }
  for (const Contender* item : contenders) {
    if (item->failures > 0) {
      std::printf("\n%s failed %d times in its rounds; those are not in the table\n",
                  item->name.c_str(), item->failures);
    }
  }
}

// -------------------------------------------------------------------------------------------------------------
// bursts

struct Burst {
  std::string name;
  int starts = 0;
  int jobs = 0;
  int failures = 0;
  double seconds = 0;

  [[nodiscard]] double rate() const { return seconds > 0 ? starts / seconds : 0; }
};

/// Running starts; ended if the burst is left early.
class InFlight {
 public:
  InFlight() = default;
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() {
    for (const pid_t pid : pids_) end_process(pid);
  }
  void add(pid_t pid) { pids_.push_back(pid); }
  [[nodiscard]] int size() const { return static_cast<int>(pids_.size()); }

  /// Waits for any one, and takes orphans on the way; its exit status.
  int take() {
    siginfo_t info{};
    do {
      if (::waitid(P_ALL, 0, &info, WEXITED) < 0) {
        if (errno != EINTR) fail("waitid");
        check_stop();
        throw std::runtime_error("a start in a burst hangs");
      }
    } while (std::erase(pids_, info.si_pid) == 0);
    return status_of(info);
  }

 private:
  std::vector<pid_t> pids_;
};

Burst run_burst(const Contender& item, int starts, int jobs) {
  Burst burst{.name = item.name, .starts = starts, .jobs = jobs};
  InFlight running;
  const Become ids(item.command.user());
  const std::int64_t begin = now();
  for (int started = 0; started < starts || running.size() > 0;) {
    check_stop();
    ::alarm(kHangSeconds);
    if (started < starts && running.size() < jobs) {
      running.add(item.command.spawn());
      ++started;
    } else if (running.take() != 0) {
      ++burst.failures;
    }
  }
  ::alarm(0);
  burst.seconds = static_cast<double>(now() - begin) / 1e9;
  return burst;
}

std::vector<Burst> run_bursts(const std::vector<Contender*>& contenders, int jobs) {
  std::vector<Burst> bursts;
  std::printf("\n| burst, %d in flight | starts | seconds | starts/s | failed |\n", jobs);
  std::printf("|:-------------------|-------:|--------:|---------:|-------:|\n");
  for (const int starts : {100, 1000}) {
    for (const Contender* item : contenders) {
      if (item->name != "nucleus" && item->name != "floor" && item->name != "bwrap") continue;
      const Burst burst = run_burst(*item, starts, jobs);
      std::printf("| %-18s | %6d | %7.2f | %8.1f | %6d |\n", burst.name.c_str(), burst.starts,
                  burst.seconds, burst.rate(), burst.failures);
      std::fflush(stdout);
      bursts.push_back(burst);
    }
  }
  return bursts;
}

// -------------------------------------------------------------------------------------------------------------
// memory

struct Memory {
  std::string name;
  long kilobytes = 0;
};

long peak_of(pid_t pid) {
  rusage usage{};
  int status = 0;
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) fail("wait4");
    end_process(pid);
    check_stop();
    return 0;
  }
  return usage.ru_maxrss;
}

/// The largest of some runs. ru_maxrss covers the program and the descendants that were waited for,
/// /bin/true too.
std::vector<Memory> measure_memory(const std::vector<Contender*>& contenders) {
  std::vector<Memory> list;
  const pid_t nothing = ::fork();
  if (nothing < 0) fail("fork");
  if (nothing == 0) ::_exit(0);
  list.push_back({"(a fork that exits: less is not seen)", peak_of(nothing)});
  for (const Contender* item : contenders) {
    const bool wanted = item->name.starts_with("nucleus") || item->name == "version" ||
                        item->name == "true" || item->name == "floor" || item->name == "bwrap";
    if (!wanted) continue;
    Memory memory{.name = item->name};
    for (int run = 0; run < kMemoryRuns; ++run) {
      check_stop();
      ::alarm(kHangSeconds);
      const Become ids(item->command.user());
      const pid_t pid = item->command.fork_exec();
      if (pid < 0) fail("fork");
      memory.kilobytes = std::max(memory.kilobytes, peak_of(pid));
    }
    ::alarm(0);
    list.push_back(memory);
  }
  std::printf("\n| peak RSS, largest of %d runs            |    KiB |\n", kMemoryRuns);
  std::printf("|:---------------------------------------|-------:|\n");
  for (const Memory& memory : list)
    std::printf("| %-38s | %6ld |\n", memory.name.c_str(), memory.kilobytes);
  return list;
}

// ---------------------------------------------------------------------------------------------------------------
// JSON

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (code < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code));
      out += escape;
    } else {
      out += letter;
    }
  }
  return out + '"';
}

std::string json_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

template <typename List, typename Writer>
std::string json_list(const List& list, const std::string& separator, Writer writer) {
  std::string out = "[";
  bool first = true;
  for (const auto& item : list) {
    if (!first) out += ",";
    out += separator + writer(item);
    first = false;
  }
  return out + "]";
}

struct Machine {
  std::string kernel;
  long cores = 0;
  std::array<double, 3> load{};
};

Machine describe_machine() {
  Machine machine;
  machine.cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  utsname name{};
  if (::uname(&name) == 0) machine.kernel = std::string(name.release) + " " + name.machine;
  if (::getloadavg(machine.load.data(), 3) < 0) machine.load = {};
  return machine;
}

std::string to_json(const Machine& machine, const Options& options, const Field& field,
                    const std::vector<Burst>& bursts, const std::vector<Memory>& memory) {
  const std::vector<Contender*> contenders = field.contenders();
  const double floor = median_of(contenders, "floor");
  const double bwrap = median_of(contenders, "bwrap");
  const auto ratio_or_null = [](double value, double base) {
    return value > 0 && base > 0 ? json_number(value / base) : std::string("null");
  };
  std::string out = "{\n\"kernel\": " + json_text(machine.kernel) +
                    ",\n\"cores\": " + std::to_string(machine.cores) +
                    ",\n\"load\": " + json_list(machine.load, "", json_number) +
                    ",\n\"rounds\": " + std::to_string(options.rounds) + ",\n\"contenders\": ";
  out += json_list(contenders, "\n ", [&](const Contender* item) {
    const Summary summary = summarize(item->times);
    return "{\"name\": " + json_text(item->name) + ", \"label\": " + json_text(item->label) +
           ", \"argv\": " + json_list(item->command.arguments(), "", json_text) + ", \"uid\": " +
           std::to_string(item->command.user() ? item->command.user()->uid : ::geteuid()) +
           ", \"count\": " + std::to_string(summary.count) +
           ", \"failures\": " + std::to_string(item->failures) +
           ", \"min_ms\": " + json_number(summary.min) +
           ", \"median_ms\": " + json_number(summary.median) +
           ", \"p95_ms\": " + json_number(summary.p95) +
           ", \"mean_ms\": " + json_number(summary.mean) +
           ", \"to_floor\": " + ratio_or_null(summary.median, floor) +
           ", \"to_bwrap\": " + ratio_or_null(summary.median, bwrap) +
           ", \"samples_ms\": " + json_list(item->times, "", json_number) + "}";
  });
  out += ",\n\"left_out\": " + json_list(field.left_out(), "\n ", [](const LeftOut& item) {
           return "{\"name\": " + json_text(item.name) + ", \"reason\": " + json_text(item.reason) +
                  "}";
         });
  out += ",\n\"bursts\": " + json_list(bursts, "\n ", [](const Burst& burst) {
           return "{\"name\": " + json_text(burst.name) +
                  ", \"starts\": " + std::to_string(burst.starts) +
                  ", \"jobs\": " + std::to_string(burst.jobs) +
                  ", \"failures\": " + std::to_string(burst.failures) +
                  ", \"seconds\": " + json_number(burst.seconds) +
                  ", \"starts_per_second\": " + json_number(burst.rate()) + "}";
         });
  out += ",\n\"peak_rss_kib\": " + json_list(memory, "\n ", [](const Memory& item) {
           return "{\"name\": " + json_text(item.name) +
                  ", \"kib\": " + std::to_string(item.kilobytes) + "}";
         });
  return out + "\n}\n";
}

void run(const Options& options) {
  const Machine machine = describe_machine();
  std::printf("kernel %s, %ld cores, load average %.2f %.2f %.2f, %d rounds\n",
              machine.kernel.c_str(), machine.cores, machine.load[0], machine.load[1],
              machine.load[2], options.rounds);
  std::fflush(stdout);
  const TemporaryDirectory directory;
  OciStates states;
  Field field(options, directory.path(), states);
  field.gather();
  std::fflush(stdout);
  const std::vector<Contender*> contenders = field.contenders();
  if (contenders.empty()) throw std::runtime_error("no contender works");
  run_rounds(contenders, options.rounds);
  print_table(contenders);
  std::fflush(stdout);
  std::vector<Burst> bursts;
  if (options.burst) bursts = run_bursts(contenders, options.jobs);
  const std::vector<Memory> memory = measure_memory(contenders);
  if (!options.json.empty())
    write_file(options.json, to_json(machine, options, field, bursts, memory));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  install_handlers();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) std::perror("startup: cannot take orphans");
  int status = 0;
  try {
    run(options);
  } catch (const Interrupted&) {
    std::fprintf(stderr, "startup: interrupted\n");
    status = 128 + stop_signal;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "startup: %s\n", error.what());
    status = 1;
  }
  reap_last_orphans();
  return status;
}
