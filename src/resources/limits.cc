#include "resources/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "resources/wishes.h"
#include "sys/file.h"

namespace nucleus::resources {
namespace {

// Files with a line for each device (and key) take one of them at a time.
bool has_lines(const LimitFile& file) {
  return file.file == "io.max" || file.file.starts_with("blkio.throttle.");
}

std::string line_key(const LimitFile& file) {
  return file.value.substr(0, file.value.find_last_of(file.file == "io.max" ? "=" : " ") + 1);
}

std::string before_of(const LimitFile& file, const std::vector<LimitFile>& old) {
  if (!has_lines(file)) return "";
  const std::string key = line_key(file);
  const auto same = std::ranges::find_if(old, [&](const LimitFile& other) {
    return other.file == file.file && line_key(other) == key;
  });
  return same != old.end() ? same->value : key + (file.file == "io.max" ? "max" : "0");
}

std::vector<LimitChange> differing(const std::vector<LimitFile>& now,
                                   const std::vector<LimitFile>& old) {
  std::vector<LimitChange> changes;
  for (const LimitFile& file : now) {
    const bool same = std::ranges::any_of(old, [&](const LimitFile& other) {
      return other.file == file.file && other.value == file.value;
    });
    if (!same) changes.push_back({.write = file, .before = before_of(file, old)});
  }
  return changes;
}

std::optional<std::uint64_t> number_in(int directory, const char* file) {
  const auto text = sys::read_file_at(directory, file);
  std::uint64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

// The kernel's answer to a memory.max below what is in use is the OOM killer; ours is an error.
Result<> make_room(int directory, const LimitFile& limit) {
  std::uint64_t wanted = 0;
  const char* const end = limit.value.data() + limit.value.size();
  if (std::from_chars(limit.value.data(), end, wanted).ec != std::errc()) return {};  // "max"
  const auto used = number_in(directory, "memory.current");
  if (!used || *used <= wanted) return {};
  // Linux 5.19; what cannot be had by it shows below.
  (void)sys::write_file_at(directory, "memory.reclaim", std::to_string(*used - wanted));
  const auto left = number_in(directory, "memory.current");
  if (!left || *left <= wanted) return {};
  return fail(Kind::runtime, EBUSY, "lower the limit to", limit.value,
              "it uses " + std::to_string(*left >> 10U) + " KiB, which cannot be taken from it");
}

Result<> apply(const std::string& path, const sys::UniqueFd& directory, const LimitChange& change,
               Undo& undo) {
  const LimitFile& limit = change.write;
  std::string before = change.before;
  if (before.empty()) {
    const auto text = sys::read_file_at(directory.get(), limit.file);
    if (!text && text.error().errnum == ENOENT && limit.if_there) return {};
    if (text) before = text->substr(0, text->find('\n'));
    if (before.empty()) before = "\n";  // a v2 cpuset without a list of its own
  }
  auto written = limit.file == "memory.max" ? make_room(directory.get(), limit) : Result<>();
  if (written) written = sys::write_file_at(directory.get(), limit.file, limit.value);
  if (!written) {
    Error error = std::move(written.error());
    if (error.hint.empty()) {
      error.subject = path + "/" + limit.file;
      if (error.errnum == EBUSY)
        error.hint = "it uses more than that, which cannot be taken from it";
      if (error.errnum == EINVAL) error.hint = "the kernel does not take " + limit.value;
      if (error.errnum == ENODEV)
        error.hint = "there is no such block device; lsblk shows their numbers";
      if (error.errnum == EACCES) error.hint = "the cgroup above has a smaller limit";
      if (error.errnum == ENOENT)
        error.hint = "the kernel was built or booted without it (swapaccount=1?)";
    }
    return std::unexpected(with_context(std::move(error), limit.flag));
  }
  undo.push([path, file = limit.file, before] {
    (void)sys::write_file_at(AT_FDCWD, path + "/" + file, before);
  });
  return {};
}

// On v1 swap's goes first: its limit is never the smaller one.
Wish no_memory_limit() {
  return {.controller = "memory",
          .flag = "--memory",
          .asked = true,
          .v1 = {{.file = "memory.memsw.limit_in_bytes",
                  .value = "-1",
                  .flag = "--memory",
                  .if_there = true},
                 {.file = "memory.limit_in_bytes", .value = "-1", .flag = "--memory"}},
          .v2 = {{.file = "memory.max", .value = "max", .flag = "--memory"},
                 {.file = "memory.swap.max", .value = "max", .flag = "--memory", .if_there = true},
                 {.file = "memory.oom.group", .value = "0", .flag = "--memory"}}};
}

}  // namespace

std::vector<ControllerChange> limit_changes(const spec::Resources& from,
                                            const spec::Resources& to) {
  const std::vector<Wish> old = wishes(from, Extras::none);
  std::vector<Wish> now = wishes(to, Extras::none);
  if (from.pids && !to.pids) {
    const LimitFile none{.file = "pids.max", .value = "max", .flag = "--pids"};
    now.push_back({.controller = "pids", .flag = "", .asked = true, .v1 = {none}, .v2 = {none}});
  }
  if (from.memory && !to.memory) now.push_back(no_memory_limit());
  std::vector<ControllerChange> changes;
  for (const Wish& wish : now) {
    const std::string_view controller = wish.controller;
    const auto same = std::ranges::find_if(
        old, [&](const Wish& other) { return controller == other.controller; });
    const Wish none{};
    const Wish& before = same != old.end() ? *same : none;
    ControllerChange change{.controller = wish.controller,
                            .v1 = differing(wish.v1, before.v1),
                            .v2 = differing(wish.v2, before.v2)};
    // memsw >= limit holds at every moment: whichever moves away from the other goes first.
    if (controller == "memory" && from.memory && to.memory && to.memory->bytes > from.memory->bytes)
      std::ranges::reverse(change.v1);
    if (!change.v1.empty() || !change.v2.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

Result<> change_limits(const Cgroup& cgroup, const spec::Resources& from, const spec::Resources& to,
                       Undo& undo) {
  const std::vector<std::string> paths = cgroup.paths();
  for (const ControllerChange& change : limit_changes(from, to)) {
    const LimitFile& first = change.v1.empty() ? change.v2.front().write : change.v1.front().write;
    // The files' names tell the versions and the controllers apart.
    const std::vector<LimitChange>* list = nullptr;
    std::string path;
    for (const std::string& each : paths) {
      const auto has = [&](const std::vector<LimitChange>& files) {
        return std::ranges::any_of(files, [&](const LimitChange& one) {
          return ::access((each + "/" + one.write.file).c_str(), F_OK) == 0;
        });
      };
      if (list != nullptr) break;
      if (has(change.v1)) list = &change.v1;
      if (list == nullptr && has(change.v2)) list = &change.v2;
      if (list != nullptr) path = each;
    }
    if (list == nullptr) {
      return fail(Kind::runtime, 0, "change", first.flag,
                  paths.empty()
                      ? "the container has no cgroup: start it as root, or in a delegated cgroup "
                        "(systemd-run --user --scope -p Delegate=yes nucleus run ...)"
                      : "the container has no cgroup of the " + std::string(change.controller) +
                            " controller: start it with " + first.flag);
    }
    const sys::UniqueFd directory = NUCLEUS_TRY(
        sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "open the cgroup"));
    for (const LimitChange& one : *list) NUCLEUS_CHECK(apply(path, directory, one, undo));
  }
  return {};
}

}  // namespace nucleus::resources
