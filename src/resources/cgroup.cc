#include "resources/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <string_view>

#include "sys/file.h"

namespace nucleus::resources {
namespace {

constexpr std::string_view kLeafPrefix = "exec-";
constexpr unsigned kFreezeRounds = 250;  // about ten seconds

// The number behind `key` in a flat keyed file, or the whole file's number when the key is empty.
std::optional<std::uint64_t> read_number(int directory, const std::string& file,
                                         std::string_view key) {
  const auto text = sys::read_file_at(directory, file);
  if (!text) return std::nullopt;
  std::size_t at = 0;
  if (!key.empty()) {
    const std::string wanted = std::string(key) + " ";
    at = text->starts_with(wanted) ? 0 : text->find("\n" + wanted);
    if (at == std::string::npos) return std::nullopt;
    at += wanted.size() + (at == 0 ? 0 : 1);
  }
  std::uint64_t value = 0;
  const char* const begin = text->data();
  if (std::from_chars(begin + at, begin + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

Result<> leave_for_leaf(const std::string& parent) {
  const std::string leaf = parent + std::string(kSupervisorLeaf);
  if (::mkdir(leaf.c_str(), 0755) < 0 && errno != EEXIST) {
    return fail(Kind::runtime, errno, "create the cgroup", leaf);
  }
  const std::string procs = NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, parent + "/cgroup.procs"));
  for (std::size_t at = 0; at < procs.size();) {
    const std::size_t end = std::min(procs.find('\n', at), procs.size());
    // One may have ended meanwhile (ESRCH): what matters is whether the controllers can be enabled
    // after this.
    (void)sys::write_file_at(AT_FDCWD, leaf + "/cgroup.procs", procs.substr(at, end - at));
    at = end + 1;
  }
  return {};
}

Result<> enable(const CgroupPlan& plan, const std::vector<std::string>& controllers) {
  const std::string file = plan.v2_parent + "/cgroup.subtree_control";
  const std::string enabled = " " + NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, file)) + " ";
  std::string missing;
  for (const std::string& controller : controllers) {
    if (enabled.find(" " + controller + " ") == std::string::npos &&
        enabled.find(" " + controller + "\n") == std::string::npos &&
        missing.find(controller) == std::string::npos) {
      missing += (missing.empty() ? "+" : " +") + controller;
    }
  }
  if (missing.empty()) return {};
  for (int attempt = 0;; ++attempt) {
    if (plan.leave_parent) NUCLEUS_CHECK(leave_for_leaf(plan.v2_parent));
    auto written = sys::write_file_at(AT_FDCWD, file, missing);
    // Somebody was forked here, or came in, between the two steps.
    if (written || !plan.leave_parent || written.error().errnum != EBUSY || attempt == 9)
      return written;
  }
}

Result<> enable_controllers(const CgroupPlan& plan) {
  if (plan.v2_parent.empty()) return {};
  if (!plan.v2_controllers.empty()) NUCLEUS_CHECK(enable(plan, plan.v2_controllers));
  // One by one: what keeps the one (a real-time process keeps cpu) need not keep the other.
  for (const std::string& controller : plan.v2_spare) (void)enable(plan, {controller});
  return {};
}

bool wait_a_little(unsigned round) {
  if (round > 60) return false;
  const timespec pause{.tv_sec = 0, .tv_nsec = round < 10 ? 100'000L * (round + 1) : 40'000'000L};
  ::nanosleep(&pause, nullptr);
  return true;
}

// Whether there was anybody.
bool kill_listed(int directory) {
  const auto procs = sys::read_file_at(directory, "cgroup.procs", 16U << 20);
  if (!procs || procs->empty()) return false;
  const char* at = procs->data();
  const char* const end = at + procs->size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, code] = std::from_chars(at, end, pid);
    // The number is this moment's word of the kernel for a member of a cgroup that is ours alone.
    if (code == std::errc() && pid > 1) ::kill(pid, SIGKILL);
    at = next + 1;
  }
  return true;
}

// Whether somebody may be left: on v1 one that was forked while the list was read is not in it.
bool kill_everything(int directory) {
  return !sys::write_file_at(directory, "cgroup.kill", "1") && kill_listed(directory);
}

// What is frozen on v1 does not even die.
Result<> thaw_directory(int directory) {
  const auto v1 = sys::write_file_at(directory, "freezer.state", "THAWED");
  if (v1 || v1.error().errnum != ENOENT) return v1;
  return sys::write_file_at(directory, "cgroup.freeze", "0");
}

// Leaves of further processes: what is still in them goes with the container.
void remove_leaves(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(path.c_str()), &::closedir);
  while (entries != nullptr) {
    const dirent* const entry = ::readdir(entries.get());
    if (entry == nullptr) return;
    if (entry->d_type != DT_DIR || !std::string_view(entry->d_name).starts_with(kLeafPrefix))
      continue;
    const std::string leaf = path + "/" + entry->d_name;
    const sys::UniqueFd fd(::open(leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    for (unsigned round = 0; ::rmdir(leaf.c_str()) < 0 && errno == EBUSY; ++round) {
      if (fd.valid()) (void)kill_everything(fd.get());
      if (!wait_a_little(round)) break;
    }
  }
}

Result<> remove_directory(const std::string& path, int directory) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  remove_leaves(path);
  for (unsigned round = 0;; ++round) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY || !wait_a_little(round)) {
      return fail(Kind::runtime, errno, "remove the cgroup", path,
                  "end what is in its cgroup.procs, then rmdir it");
    }
    if (round > 4) (void)kill_everything(directory);
  }
}

}  // namespace

Cgroup::~Cgroup() {
  if (directories_.empty()) return;
  kill_all();
  (void)remove();  // a destructor has nobody to tell; the record still names the path for the next
                   // run
}

Result<> Cgroup::make(const CgroupDirectory& plan) {
  if (::mkdir(plan.path.c_str(), 0755) < 0) {
    return fail(Kind::runtime, errno, "create the cgroup", plan.path,
                errno == ENOSPC ? "the host's limit of cgroups is reached" : "");
  }
  directories_.push_back({.plan = plan, .fd = {}});
  Directory& made = directories_.back();
  made.fd = NUCLEUS_TRY(
      sys::open_at(AT_FDCWD, plan.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "open the cgroup"));
  for (const LimitFile& limit : plan.files) {
    std::string value = limit.value;
    if (value.empty())
      value = NUCLEUS_TRY(sys::read_file_at(AT_FDCWD, plan.path + "/../" + limit.file));
    auto written = sys::write_file_at(made.fd.get(), limit.file, value);
    if (written || (limit.if_there && written.error().errnum == ENOENT)) continue;
    Error error = std::move(written.error());
    error.subject = plan.path + "/" + limit.file;
    if (error.errnum == EACCES && !plan.v2) error.hint = "the cgroup above has a smaller limit";
    if (error.errnum == EPERM && limit.file == "devices.allow")
      error.hint = "the cgroup around nucleus does not allow this device";
    if (error.errnum == ENODEV)
      error.hint = "there is no such block device; lsblk shows their numbers";
    if (error.errnum == ENOENT)
      error.hint = "the kernel was built or booted without it (swapaccount=1?)";
    return std::unexpected(with_context(std::move(error), limit.flag));
  }
  if (!plan.devices.empty()) NUCLEUS_CHECK(attach_devices(made.fd.get(), plan.devices));
  return watch(made);
}

Result<> Cgroup::watch(const Directory& directory) {
  const bool limited = !directory.plan.files.empty() || directory.plan.changes;
  if (directory.plan.memory && limited && !directory.plan.v2) {
    // cgroup-v1/memory.rst, "OOM Control": an eventfd registered with the file's descriptor.
    Watch watch;
    watch.file = NUCLEUS_TRY(sys::open_at(directory.fd.get(), "memory.oom_control", O_RDONLY));
    watch.fd = sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!watch.fd.valid()) return fail(Kind::runtime, errno, "make", "an eventfd");
    watch.poll_events = POLLIN;
    NUCLEUS_CHECK(sys::write_file_at(
        directory.fd.get(), "cgroup.event_control",
        std::to_string(watch.fd.get()) + " " + std::to_string(watch.file.get())));
    watches_.push_back(std::move(watch));
  }
  if (directory.plan.pids && directory.plan.v2) {
    // Absent on v2's root and before Linux 4.3: without it a refused fork is only not counted.
    auto file = sys::open_at(directory.fd.get(), "pids.events", O_RDONLY);
    if (file) watches_.push_back({.fd = std::move(*file), .file = {}, .poll_events = POLLPRI});
  }
  return {};
}

Result<Cgroup> Cgroup::create(const CgroupPlan& plan) {
  Cgroup cgroup;
  NUCLEUS_CHECK(enable_controllers(plan));
  for (const CgroupDirectory& directory : plan.directories) {
    const auto made = cgroup.make(directory);
    if (!made && !directory.spare) return std::unexpected(made.error());
  }
  return cgroup;
}

int Cgroup::clone_into_fd() const {
  for (const Directory& directory : directories_) {
    if (directory.plan.v2) return directory.fd.get();
  }
  return -1;
}

int Cgroup::fd_of(const Directory& directory, const Leaf* leaf) {
  const bool here =
      leaf != nullptr && !leaf->empty() && leaf->path_.starts_with(directory.plan.path + "/");
  return here ? leaf->fd_.get() : directory.fd.get();
}

Result<std::vector<Entrance>> Cgroup::entrances(const Leaf* leaf) const {
  std::vector<Entrance> all;
  for (const Directory& directory : directories_) {
    if (directory.plan.v2) continue;
    auto file =
        sys::open_at(fd_of(directory, leaf), "tasks", O_WRONLY, 0, "open the way into the cgroup");
    if (!file && directory.plan.spare) continue;
    if (!file) return std::unexpected(with_context(std::move(file.error()), directory.plan.path));
    all.push_back({.fd = std::move(*file), .spare = directory.plan.spare});
  }
  return all;
}

bool Cgroup::needs_attach(bool cloned_into) const { return !cloned_into && clone_into_fd() >= 0; }

Result<> Cgroup::attach(pid_t pid, bool cloned_into, const Leaf* leaf) const {
  for (const Directory& directory : directories_) {
    if (!directory.plan.v2 || cloned_into) continue;
    auto written = sys::write_file_at(fd_of(directory, leaf), "cgroup.procs", std::to_string(pid));
    if (!written && !directory.plan.spare)
      return std::unexpected(with_context(std::move(written.error()), directory.plan.path));
  }
  return {};
}

Result<> Cgroup::enter() const {
  for (const Directory& directory : directories_) {
    auto written =
        sys::write_file_at(directory.fd.get(), directory.plan.v2 ? "cgroup.procs" : "tasks", "0");
    if (!written && !directory.plan.spare)
      return std::unexpected(with_context(std::move(written.error()), directory.plan.path));
  }
  return {};
}

std::vector<EventSource> Cgroup::events() const {
  std::vector<EventSource> sources;
  for (const Watch& watch : watches_)
    sources.push_back({.fd = watch.fd.get(), .poll_events = watch.poll_events});
  return sources;
}

bool Cgroup::needs_polling() const {
  // Linux 6.18 was seen to wake nobody who polls the pids.events of a v1 hierarchy.
  return std::ranges::any_of(directories_,
                             [](const Directory& each) { return each.plan.pids && !each.plan.v2; });
}

std::optional<std::uint64_t> Cgroup::refused_forks() const {
  for (const Directory& directory : directories_) {
    if (directory.plan.pids) return read_number(directory.fd.get(), "pids.events", "max");
  }
  return std::nullopt;
}

void Cgroup::acknowledge(std::size_t index) {
  // A kernfs file is re-armed by reading it from its start, an eventfd by reading its count.
  char swallowed[256];
  const int fd = watches_[index].fd.get();
  if (::pread(fd, swallowed, sizeof swallowed, 0) < 0) (void)!::read(fd, swallowed, 8);
}

Counters Cgroup::read_counters() const {
  Counters counters;
  counters.pids_refused = refused_forks();
  for (const Directory& directory : directories_) {
    const int fd = directory.fd.get();
    if (directory.plan.memory) {
      counters.oom_kills =
          read_number(fd, directory.plan.v2 ? "memory.events" : "memory.oom_control", "oom_kill");
      counters.peak_memory_bytes =
          read_number(fd, directory.plan.v2 ? "memory.peak" : "memory.max_usage_in_bytes", "");
    }
    if (directory.plan.v2) {
      counters.cpu_usec = read_number(fd, "cpu.stat", "usage_usec");
    } else if (directory.plan.cpu) {
      if (const auto nsec = read_number(fd, "cpuacct.usage", "")) counters.cpu_usec = *nsec / 1000;
    }
  }
  return counters;
}

bool Cgroup::can_freeze() const {
  return std::ranges::any_of(directories_, [](const Directory& each) { return each.plan.freezer; });
}

// cgroup-v2.rst, "cgroup.freeze"; cgroup-v1/freezer-subsystem.rst.
Result<> Cgroup::freeze() {
  const auto found =
      std::ranges::find_if(directories_, [](const Directory& each) { return each.plan.freezer; });
  if (found == directories_.end()) return fail(Kind::runtime, ENOENT, "freeze", "no cgroup");
  const int fd = found->fd.get();
  const bool v2 = found->plan.v2;
  frozen_ = true;
  for (unsigned round = 0; round < kFreezeRounds; ++round) {
    // Said again and again: on v1 one that was forked meanwhile hears of it only so.
    auto written =
        sys::write_file_at(fd, v2 ? "cgroup.freeze" : "freezer.state", v2 ? "1" : "FROZEN");
    if (!written) {
      (void)thaw();
      return written;
    }
    if (v2 ? read_number(fd, "cgroup.events", "frozen") == 1
           : sys::read_file_at(fd, "freezer.state").value_or("") == "FROZEN\n")
      return {};
    wait_a_little(std::min(round, 10U));
  }
  (void)thaw();
  return fail(Kind::runtime, EBUSY, "freeze the cgroup", found->plan.path,
              "a process in it waits for a device or a file system that does not answer");
}

Result<> Cgroup::thaw() {
  if (!frozen_) return {};
  for (const Directory& directory : directories_) {
    if (directory.plan.freezer) NUCLEUS_CHECK(thaw_directory(directory.fd.get()));
  }
  frozen_ = false;
  return {};
}

void Cgroup::kill_all() const {
  for (const Directory& directory : directories_) {
    if (frozen_) (void)thaw_directory(directory.fd.get());
  }
  for (const Directory& directory : directories_) (void)kill_everything(directory.fd.get());
}

Result<> Cgroup::remove() {
  Result<> first;
  watches_.clear();
  for (const Directory& directory : directories_) {
    auto removed = remove_directory(directory.plan.path, directory.fd.get());
    if (!removed && first) first = std::move(removed);
  }
  directories_.clear();
  return first;
}

std::vector<std::string> Cgroup::paths() const {
  std::vector<std::string> paths;
  for (const Directory& directory : directories_) paths.push_back(directory.plan.path);
  return paths;
}

void Cgroup::remove_leaves() const {
  for (const Directory& directory : directories_) resources::remove_leaves(directory.plan.path);
}

Result<Leaf> Leaf::create(const Cgroup& cgroup, const std::string& name) {
  Leaf leaf;
  const Cgroup::Directory* chosen = nullptr;
  for (const Cgroup::Directory& directory : cgroup.directories_) {
    if (chosen == nullptr || directory.plan.v2 || (directory.plan.pids && !chosen->plan.v2))
      chosen = &directory;
  }
  if (chosen == nullptr) return leaf;
  const std::string path = chosen->plan.path + "/" + std::string(kLeafPrefix) + name;
  if (::mkdir(path.c_str(), 0755) < 0) return fail(Kind::runtime, errno, "create the cgroup", path);
  leaf.path_ = path;
  leaf.v2_ = chosen->plan.v2;
  auto fd = sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "open the cgroup");
  if (!fd) {
    ::rmdir(path.c_str());
    return std::unexpected(fd.error());
  }
  leaf.fd_ = std::move(*fd);
  return leaf;
}

void Leaf::kill_all() const {
  if (!fd_.valid()) return;
  // Who has been killed forks no more: the second list has all that the first one missed, and an
  // empty one says that they are gone. One that the kernel does not let die is not waited for long.
  constexpr unsigned kRounds = 16;
  for (unsigned round = 0; kill_everything(fd_.get()) && round < kRounds; ++round)
    (void)wait_a_little(round);
}

void Leaf::remove() {
  if (path_.empty()) return;
  ::rmdir(path_.c_str());
  path_.clear();
}

void thaw_cgroup(const std::string& path) {
  const auto directory = sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory) (void)thaw_directory(directory->get());
}

bool reclaim_cgroup(const std::string& path) {
  const auto directory = sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return directory.error().errnum == ENOENT;
  (void)kill_everything(directory->get());
  return remove_directory(path, directory->get()).has_value();
}

}  // namespace nucleus::resources
