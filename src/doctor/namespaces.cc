// User namespaces are tried: a first process as a container has it, its id maps, and the mounts
// that a root needs. All of it ends with that process.
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "doctor/probes.h"
#include "isolation/obstacle.h"
#include "sys/file.h"
#include "sys/process.h"

namespace nucleus::doctor {
namespace {

constexpr std::uint32_t kNobody = 65534;

/// errno of each step, 0 when it went well; -1: it was not come to.
struct Attempt {
  int clone = -1, maps = -1, identity = -1, tmpfs = -1, proc = -1, overlay = -1, idmapped = -1;
  bool range = false;  // the maps were those with subordinate ids
  int range_maps = -1;
  char why[200] = {};  // of range_maps
};

int outcome(long result) { return result < 0 ? errno : 0; }

int mount_tmpfs() {
  const sys::UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return errno;
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return errno;
  const sys::UniqueFd mount(
      static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!mount.valid()) return errno;
  if (::syscall(SYS_move_mount, mount.get(), "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return errno;
  return outcome(::chdir("/tmp"));
}

int mount_overlay() {
  for (const char* const name : {"lower", "upper", "work", "merged"}) {
    if (::mkdir(name, 0755) < 0) return errno;
  }
  return outcome(::mount("overlay", "merged", "overlay", 0,
                         "lowerdir=lower,upperdir=upper,workdir=work,userxattr"));
}

// The container's first process: waits for its ids, tries, tells, ends.
[[noreturn]] void first_process(int from_parent, int to_parent, Attempt attempt) {
  char go = 0;
  if (::read(from_parent, &go, 1) != 1) ::_exit(1);
  attempt.identity = ::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0 ? errno : 0;
  if (attempt.identity == 0) attempt.tmpfs = mount_tmpfs();
  if (attempt.tmpfs == 0) {
    ::mkdir("proc", 0755);
    attempt.proc = outcome(::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""));
    attempt.overlay = mount_overlay();
  }
  (void)!::write(to_parent, &attempt, sizeof attempt);
  ::_exit(0);
}

// As launch/parent does it for a volume of root's container, on a copy of the root's own mount.
int try_idmapped_mount(pid_t pid) {
  const sys::UniqueFd ns(
      ::open(("/proc/" + std::to_string(pid) + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.valid()) return errno;
  const sys::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) return errno;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<__u64>(ns.get());
  return outcome(
      ::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

struct Pipe {
  sys::UniqueFd reader, writer;
  static Pipe make() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return {};
    return {.reader = sys::UniqueFd(ends[0]), .writer = sys::UniqueFd(ends[1])};
  }
};

// Tries with these maps; `with_range`: those of /etc/subuid, else the caller's one id (root's own
// containers get a range without asking anybody).
Attempt try_once(const isolation::Caller& caller, bool with_range) {
  Attempt attempt;
  attempt.range = with_range;
  isolation::IdMaps maps;
  if (caller.uid == 0) {
    maps.uids = {{.inside = 0, .outside = 0x7FFF0000, .count = 65535}};
    maps.gids = maps.uids;
  } else if (with_range) {
    std::vector<std::string> notes;
    auto chosen = isolation::choose_maps(spec::ContainerSpec(), caller, "", notes);
    if (chosen) maps = std::move(*chosen);
  } else {
    maps.deny_setgroups = true;
    maps.uids = {{.inside = 0, .outside = caller.uid, .count = 1}};
    maps.gids = {{.inside = 0, .outside = caller.gid, .count = 1}};
  }
  Pipe go = Pipe::make();
  Pipe told = Pipe::make();
  if (!go.reader.valid() || !told.reader.valid()) return attempt;
  clone_args args{};
  args.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS |
               CLONE_NEWIPC | CLONE_NEWCGROUP;
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  attempt.clone = outcome(pid);
  if (pid == 0) {
    go.writer.reset();
    first_process(go.reader.get(), told.writer.get(), attempt);
  }
  if (pid < 0) return attempt;
  told.writer.reset();
  go.reader.reset();
  const auto written = isolation::write_maps(static_cast<pid_t>(pid), maps);
  attempt.maps = written ? 0 : written.error().errnum == 0 ? EPERM : written.error().errnum;
  if (!written) {
    const std::string text = written.error().text();
    text.copy(attempt.why, sizeof attempt.why - 1);
  } else {
    const int idmapped = caller.uid == 0 ? try_idmapped_mount(static_cast<pid_t>(pid)) : -1;
    Attempt inside;
    if (::write(go.writer.get(), "", 1) == 1 &&
        ::read(told.reader.get(), &inside, sizeof inside) == sizeof inside) {
      attempt.identity = inside.identity;
      attempt.tmpfs = inside.tmpfs;
      attempt.proc = inside.proc;
      attempt.overlay = inside.overlay;
    }
    attempt.idmapped = idmapped;
  }
  go.writer.reset();
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return attempt;
}

bool becomes(const isolation::Caller& other) {
  if (::geteuid() == other.uid) return true;
  if (::setgroups(0, nullptr) < 0 || ::setresgid(other.gid, other.gid, other.gid) < 0 ||
      ::setresuid(other.uid, other.uid, other.uid) < 0)
    return false;
  // The change has taken /proc/PID of our children from us.
  return ::prctl(PR_SET_DUMPABLE, 1) == 0;
}

// In a child, so that a process of another user's can try; nothing when it could not be tried.
std::optional<Attempt> try_as(const isolation::Caller& caller, bool with_range) {
  Pipe told = Pipe::make();
  if (!told.reader.valid()) return std::nullopt;
  auto child = sys::fork_child([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // What newuidmap has to say is told by us.
    const sys::UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (null.valid()) ::dup2(null.get(), STDERR_FILENO);
    if (!becomes(caller)) return 1;
    const Attempt attempt = try_once(caller, with_range);
    return ::write(told.writer.get(), &attempt, sizeof attempt) == sizeof attempt ? 0 : 1;
  });
  told.writer.reset();
  Attempt attempt;
  const bool heard = child && ::read(told.reader.get(), &attempt, sizeof attempt) == sizeof attempt;
  if (child) (void)child->wait();
  return heard ? std::optional(attempt) : std::nullopt;
}

Item namespaces_item(const std::string& id, const std::optional<Attempt>& attempt,
                     const std::string& whose) {
  Item item{.id = id, .found = "a process, its id maps and its mounts, all tried" + whose};
  if (!attempt) {
    item.status = Status::blocked;
    item.found = "could not be tried: no process could be made";
    item.fix = "raise ulimit -u, or the pids limit of the cgroup";
    return item;
  }
  const std::pair<int, const char*> steps[] = {
      {attempt->clone, "cannot create them"},
      {attempt->maps, "they can be made, but their id maps cannot be written"},
      {attempt->identity, "they can be made, but nobody can become root in them"},
      {attempt->tmpfs, "they can be made, but nothing can be mounted in them"},
  };
  for (const auto& [errnum, what] : steps) {
    if (errnum == 0) continue;
    item.status = Status::blocked;
    const isolation::Obstacle obstacle = isolation::namespace_obstacle(errnum < 0 ? EPERM : errnum);
    item.found = std::string(what) + whose + ": " + errno_text(errnum < 0 ? EIO : errnum) + ": " +
                 obstacle.what;
    item.fix = obstacle.cure;
    item.command = obstacle.command;
    return item;
  }
  if (attempt->proc != 0) {
    item.status = Status::blocked;
    item.found = "no proc can be mounted in them" + whose + ": " + errno_text(attempt->proc) +
                 ": a container around us hides parts of its /proc";
    item.fix = "start that container with --security-opt systempaths=unconfined";
  }
  return item;
}

Item overlay_item(const std::optional<Attempt>& attempt) {
  Item item{.id = "overlayfs", .found = "in a user namespace, with userxattr, tried"};
  if (attempt && attempt->overlay == 0) return item;
  const auto known = sys::read_file_at(AT_FDCWD, "/proc/filesystems");
  const bool there = known && known->find("\toverlay\n") != std::string::npos;
  if (attempt && attempt->overlay > 0 && there) {
    item.status = Status::blocked;
    item.found = "not in a user namespace (" + errno_text(attempt->overlay) + "): no --rootfs";
    item.fix = "boot Linux 5.11 or newer";
  } else if (there) {
    item.status = Status::blocked;
    item.found = "the kernel has it; without user namespaces it cannot be tried";
  } else {
    item.status = Status::missing;
    item.found = "not in this kernel, or its module is not loaded: no --rootfs";
    item.fix = "modprobe overlay";
    item.command = {"modprobe", "overlay"};
  }
  return item;
}

Item idmapped_item(const isolation::Caller& caller, const std::optional<Attempt>& attempt) {
  Item item{.id = "idmapped-mounts", .found = "tried on the file system of /"};
  if (caller.uid != 0) {
    item.found = "not needed: your volumes belong to you inside as well";
  } else if (!attempt || attempt->idmapped < 0) {
    item.status = Status::blocked;
    item.found = "without user namespaces they cannot be tried";
  } else if (attempt->idmapped != 0) {
    item.status = attempt->idmapped == ENOSYS ? Status::missing : Status::weak;
    item.found = "not on the file system of /: " + errno_text(attempt->idmapped) +
                 "; volumes there are shown read-only, with nobody's owners";
    item.fix = "keep what is to be a writable volume on ext4, xfs, btrfs or tmpfs";
  }
  return item;
}

bool may_map(const char* program) {
  struct stat info{};
  if (::stat(program, &info) < 0 || ::access(program, X_OK) < 0) return false;
  char capability[64];
  return (info.st_mode & S_ISUID) != 0 ||
         ::getxattr(program, "security.capability", capability, sizeof capability) > 0;
}

// The first of 65536 ids that nobody has in either file, above those that useradd hands out.
std::uint64_t free_range() {
  std::uint64_t first = 0x40000000;
  for (bool moved = true; moved;) {
    moved = false;
    for (const char* const file : {"/etc/subuid", "/etc/subgid"}) {
      const std::string text = sys::read_file_at(AT_FDCWD, file).value_or("");
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        char* rest = nullptr;
        const std::uint64_t start = std::strtoull(line.c_str() + colon + 1, &rest, 10);
        const std::uint64_t count = *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 0;
        if (count == 0 || start + count <= first || start >= first + 65536) continue;
        first = start + count;
        moved = true;
      }
    }
  }
  return first;
}

Item subordinate_item(const isolation::Caller& caller, const std::optional<Attempt>& tried) {
  Item item{.id = "subordinate-ids", .status = Status::missing, .found = ""};
  const std::string who = caller.user_name.empty() ? std::to_string(caller.uid) : caller.user_name;
  std::vector<std::string> without;
  std::uint64_t count = 0;
  for (const char* const file : {"/etc/subuid", "/etc/subgid"}) {
    const auto text = sys::read_file_at(AT_FDCWD, file);
    const auto ranges = isolation::parse_subids(text.value_or(""), caller);
    if (ranges.empty()) without.emplace_back(file);
    count = 0;
    for (const isolation::IdRange& range : ranges) count += range.count;
  }
  const bool uids = ::access("/usr/bin/newuidmap", X_OK) == 0;
  const bool gids = ::access("/usr/bin/newgidmap", X_OK) == 0;
  if (!uids || !gids) {
    item.found = std::string(uids ? "newgidmap" : "newuidmap") + " is not in /usr/bin";
    item.fix = "apt-get install uidmap (shadow-utils elsewhere)";
    return item;
  }
  if (!without.empty()) {
    item.found = who + " has no range in " + without.front() +
                 (without.size() > 1 ? " and " + without.back() : std::string());
    if (!caller.user_name.empty()) {
      const std::uint64_t first = free_range();
      const std::string range = std::to_string(first) + "-" + std::to_string(first + 65535);
      item.command = {"usermod"};
      for (const std::string& file : without)
        item.command.insert(item.command.end(), {"--add-sub" + file.substr(8) + "s", range});
      item.command.push_back(caller.user_name);
      item.fix = command_line(item.command);
    }
    return item;
  }
  item.status = Status::blocked;
  if (!may_map("/usr/bin/newuidmap") || !may_map("/usr/bin/newgidmap")) {
    item.found = "newuidmap or newgidmap is neither setuid nor has file capabilities";
    item.fix = "chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap";
    return item;
  }
  if (isolation::own_status("NoNewPrivs") == "1") {
    item.found = "no_new_privs is set on this process, so that newuidmap gains nothing";
    item.fix = "start nucleus without it (systemd: NoNewPrivileges=no)";
    return item;
  }
  if (!tried || tried->clone != 0) {
    item.found = std::to_string(count) +
                 " ids and their helpers are there; without user namespaces they cannot be tried";
    return item;
  }
  if (tried->maps != 0) {
    item.found = tried->why;
    return item;
  }
  item.status = Status::ok;
  item.found = std::to_string(count) + " ids for " + who + ", mapped by newuidmap, tried";
  return item;
}

}  // namespace

std::vector<Item> look_at_namespaces(const isolation::Caller& caller,
                                     const std::optional<isolation::Caller>& behind) {
  std::vector<Item> items;
  const bool root = caller.uid == 0;
  const std::optional<Attempt> attempt = try_as(caller, false);
  items.push_back(namespaces_item("user-namespaces", attempt, ""));
  if (root) {
    const isolation::Caller nobody{.uid = kNobody, .gid = kNobody, .user_name = {}};
    const std::optional<Attempt> tried = try_as(nobody, false);
    Item others = namespaces_item("user-namespaces-of-users", tried, " as an ordinary user");
    if (!tried) {
      others.found = "cannot be tried: this root may not become another user";
      others.fix.clear();
    }
    // Root's own containers do not need it.
    if (others.status == Status::blocked) others.status = Status::weak;
    items.push_back(std::move(others));
    items.push_back({.id = "subordinate-ids",
                     .found = "not needed: root's containers have ranges of their own"});
    if (behind) {
      Item theirs = subordinate_item(*behind, try_as(*behind, true));
      theirs.id = "subordinate-ids-of-user";
      if (theirs.status != Status::ok) theirs.status = Status::weak;
      items.push_back(std::move(theirs));
    }
  } else {
    const bool possible = attempt && attempt->clone == 0;
    items.push_back(subordinate_item(caller, possible ? try_as(caller, true) : attempt));
  }
  items.push_back(overlay_item(attempt));
  items.push_back(idmapped_item(caller, attempt));
  return items;
}

}  // namespace nucleus::doctor
