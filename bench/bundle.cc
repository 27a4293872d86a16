#include "bundle.h"

#include <elf.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "place.h"
#include "process.h"

namespace nucleus::bench {
namespace {

namespace fs = std::filesystem;

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
    "args": [)";
constexpr std::string_view kConfigProcess = R"(],
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

}  // namespace

std::string make_bundle(const std::string& bundle, const std::vector<std::string>& args) {
  const std::string root = bundle + "/rootfs";
  for (const char* name : {"/proc", "/dev", "/sys", "/etc", "/tmp"})
    fs::create_directories(root + name);
  const bool busybox = is_static("/bin/busybox");
  std::string config(kConfigHead);
  for (const std::string& word : args) {
    if (&word != &args.front()) config += ", ";
    config.append("\"").append(word).append("\"");
  }
  config += kConfigProcess;
  if (busybox) {
    fs::create_directory(root + "/bin");
    fs::copy_file("/bin/busybox", root + "/bin/busybox");
    for (const char* name : {"true", "sleep", "sh", "yes", "head"})
      fs::create_symlink("busybox", root + "/bin/" + name);
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

OciStates::~OciStates() {
  for (const auto& [program, state] : states_) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(state, ignored)) {
      if (!entry.is_directory(ignored)) continue;
      try {
        const Command command(
            {program, "--root", state, "delete", "--force", entry.path().filename()}, std::nullopt);
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

}  // namespace nucleus::bench
