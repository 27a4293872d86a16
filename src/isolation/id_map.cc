#include "isolation/id_map.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "sys/file.h"
#include "sys/process.h"

namespace nucleus::isolation {
namespace {

// Above every range that Debian's adduser, systemd-homed and systemd-nspawn hand out, below 2^31.
constexpr std::uint32_t kPoolBase = 0x70000000;
constexpr std::uint32_t kRangeSize = 65536;
constexpr std::uint32_t kPoolSlots = 4095;

IdMaps range_of_slot(std::uint32_t slot) {
  IdMaps maps;
  maps.uids = {{.inside = 0, .outside = kPoolBase + slot * kRangeSize, .count = kRangeSize}};
  maps.gids = maps.uids;
  return maps;
}

// One byte of the lock file a range, locked by an open-file-description lock: the kernel gives it
// back when the last descriptor closes, however its holder ended, so that no range is ever lost.
Result<IdMaps> lease_range(const std::string& state_root) {
  const std::string path = state_root + "/ids.lock";
  auto opened = sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600,
                             "open the lock of the id ranges");
  if (!opened) {
    return std::unexpected(with_hint(std::move(opened.error()),
                                     "name a directory that can be written to by --root DIR"));
  }
  sys::UniqueFd lock = std::move(*opened);
  const auto start = static_cast<std::uint32_t>(::getpid());
  for (std::uint32_t tried = 0; tried < kPoolSlots; ++tried) {
    const std::uint32_t slot = (start + tried) % kPoolSlots;
    struct flock range{};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(slot);
    range.l_len = 1;
    if (::fcntl(lock.get(), F_OFD_SETLK, &range) == 0) {
      IdMaps maps = range_of_slot(slot);
      maps.lease = std::move(lock);
      return maps;
    }
    if (errno != EAGAIN && errno != EACCES) {
      return fail(Kind::runtime, errno, "lock an id range in", path);
    }
  }
  return fail(Kind::runtime, EAGAIN, "find a free id range in", path,
              "all 4095 are in use by running containers: end some first");
}

bool helpers_present() {
  return ::access("/usr/bin/newuidmap", X_OK) == 0 && ::access("/usr/bin/newgidmap", X_OK) == 0;
}

std::vector<IdRange> behind_own(std::uint32_t own, const std::vector<IdRange>& subids) {
  std::vector<IdRange> ranges = {{.inside = 0, .outside = own, .count = 1}};
  std::uint32_t next = 1;
  for (const IdRange& sub : subids) {
    if (next >= kRangeSize) break;
    const std::uint32_t count = std::min(sub.count, kRangeSize - next);
    ranges.push_back({.inside = next, .outside = sub.outside, .count = count});
    next += count;
  }
  return ranges;
}

Result<IdMaps> rootless_maps(const spec::ContainerSpec& spec, const Caller& caller,
                             std::vector<std::string>& notes) {
  IdMaps maps;
  const auto subuids = sys::read_file_at(AT_FDCWD, "/etc/subuid");
  const auto subgids = sys::read_file_at(AT_FDCWD, "/etc/subgid");
  const auto uids = subuids ? parse_subids(*subuids, caller) : std::vector<IdRange>();
  const auto gids = subgids ? parse_subids(*subgids, caller) : std::vector<IdRange>();
  if (!uids.empty() && !gids.empty() && helpers_present()) {
    maps.writer = MapWriter::helpers;
    maps.uids = behind_own(caller.uid, uids);
    maps.gids = behind_own(caller.gid, gids);
    return maps;
  }
  // One id: the container's user is the caller, whatever number it has inside.
  maps.deny_setgroups = true;
  maps.uids = {{.inside = spec.identity.uid, .outside = caller.uid, .count = 1}};
  maps.gids = {{.inside = spec.identity.gid, .outside = caller.gid, .count = 1}};
  notes.emplace_back(
      "user namespace has one id: no subordinate ids in /etc/subuid and /etc/subgid with "
      "newuidmap(1)");
  return maps;
}

Result<pid_t> spawn_helper(const char* program, pid_t pid, const std::vector<IdRange>& ranges) {
  std::vector<std::string> words = {program, std::to_string(pid)};
  for (const IdRange& range : ranges) {
    words.push_back(std::to_string(range.inside));
    words.push_back(std::to_string(range.outside));
    words.push_back(std::to_string(range.count));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<char*, 1> no_environment = {nullptr};
  pid_t helper = -1;
  const int code =
      ::posix_spawn(&helper, program, nullptr, nullptr, argv.data(), no_environment.data());
  if (code != 0) return fail(Kind::runtime, code, "start", program, sys::process_limit_hint(code));
  return helper;
}

// Ids are written through /proc, by us or by newuidmap(1).
bool proc_is_missing() { return ::access("/proc/self/status", F_OK) < 0; }
constexpr const char* kMountProc = "there is no /proc here: mount one";

Result<> await_helper(const char* program, pid_t helper) {
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "wait for", program);
  }
  if (status == 0) return {};
  return fail(
      Kind::runtime, 0, "write the id map with", program,
      proc_is_missing()
          ? kMountProc
          : "it refused the ranges of /etc/subuid and /etc/subgid: check them, and that it is "
            "setuid or has its file "
            "capability");
}

}  // namespace

std::vector<IdRange> parse_subids(const std::string& text, const Caller& caller) {
  std::vector<IdRange> ranges;
  const std::string number = std::to_string(caller.uid);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string owner = line.substr(0, first);
    if (owner.empty() || (owner != caller.user_name && owner != number)) continue;
    IdRange range;
    const char* const begin = line.data();
    const auto start = std::from_chars(begin + first + 1, begin + second, range.outside);
    const auto count = std::from_chars(begin + second + 1, begin + line.size(), range.count);
    const bool whole = start.ec == std::errc() && start.ptr == begin + second &&
                       count.ec == std::errc() && count.ptr == begin + line.size();
    // An end past 2^32 would wrap into ids that belong to others.
    if (!whole || range.count == 0 || range.outside > UINT32_MAX - range.count) continue;
    ranges.push_back(range);
  }
  return ranges;
}

std::optional<std::uint32_t> host_id(const std::vector<IdRange>& ranges, std::uint32_t inside) {
  for (const IdRange& range : ranges) {
    if (inside >= range.inside && inside - range.inside < range.count)
      return range.outside + (inside - range.inside);
  }
  return std::nullopt;
}

std::string map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
            std::to_string(range.count) + "\n";
  }
  return text;
}

Result<IdMaps> choose_maps(const spec::ContainerSpec& spec, const Caller& caller,
                           const std::optional<std::string>& state_root,
                           std::vector<std::string>& notes) {
  if (spec.shares_host()) {
    IdMaps maps;
    maps.writer = MapWriter::none;
    // The workload is the caller, or somebody whom root has become.
    maps.deny_setgroups = spec.identity.uid == caller.uid;
    maps.uids = {{.inside = 0, .outside = 0, .count = UINT32_MAX}};
    maps.gids = maps.uids;
    if (maps.deny_setgroups) {
      maps.uids = {{.inside = caller.uid, .outside = caller.uid, .count = 1}};
      maps.gids = {{.inside = caller.gid, .outside = caller.gid, .count = 1}};
    }
    return maps;
  }
  if (spec.userns == spec::UserNamespace::host) {
    if (caller.uid != 0) {
      return fail(Kind::usage, EPERM, "take --userns", "host",
                  "only root can run without a user namespace of its own; leave the flag out");
    }
    notes.emplace_back("weakened: --userns host, so that ids in the container are the host's");
    IdMaps maps;
    maps.writer = MapWriter::none;
    maps.uids = {{.inside = 0, .outside = 0, .count = UINT32_MAX}};
    maps.gids = maps.uids;
    return maps;
  }
  IdMaps maps = caller.uid != 0 ? NUCLEUS_TRY(rootless_maps(spec, caller, notes))
                : state_root    ? NUCLEUS_TRY(lease_range(*state_root))
                                : range_of_slot(0);
  if (!host_id(maps.uids, spec.identity.uid) || !host_id(maps.gids, spec.identity.gid)) {
    return fail(Kind::usage, 0, "take --user",
                std::to_string(spec.identity.uid) + ":" + std::to_string(spec.identity.gid),
                "the container's id range ends at " +
                    std::to_string(maps.uids.back().inside + maps.uids.back().count - 1));
  }
  for (const std::uint32_t gid : spec.identity.groups) {
    if (maps.deny_setgroups) {
      return fail(Kind::runtime, EPERM, "give the workload", "--additional-group",
                  "a user namespace with one id has no supplementary groups: give yourself ranges "
                  "in /etc/subuid and /etc/subgid");
    }
    if (!host_id(maps.gids, gid)) {
      return fail(Kind::usage, 0, "take --additional-group", std::to_string(gid),
                  "the container's id range ends before");
    }
  }
  return maps;
}

Result<> write_maps(pid_t pid, const IdMaps& maps) {
  if (maps.writer == MapWriter::none) return {};
  if (maps.writer == MapWriter::helpers) {
    const pid_t uid_helper = NUCLEUS_TRY(spawn_helper("/usr/bin/newuidmap", pid, maps.uids));
    const auto gid_helper = spawn_helper("/usr/bin/newgidmap", pid, maps.gids);
    const auto uid_done = await_helper("/usr/bin/newuidmap", uid_helper);
    if (!gid_helper) return std::unexpected(gid_helper.error());
    NUCLEUS_CHECK(await_helper("/usr/bin/newgidmap", *gid_helper));
    return uid_done;
  }
  const std::string proc = "/proc/" + std::to_string(pid);
  const auto write = [&](const char* file, const std::string& text) {
    auto written = sys::write_file_at(AT_FDCWD, proc + file, text);
    if (!written && proc_is_missing()) written.error().hint = kMountProc;
    return written;
  };
  if (maps.deny_setgroups) NUCLEUS_CHECK(write("/setgroups", "deny"));
  NUCLEUS_CHECK(write("/uid_map", map_text(maps.uids)));
  return write("/gid_map", map_text(maps.gids));
}

}  // namespace nucleus::isolation
