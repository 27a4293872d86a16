#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>

#include "doctor/probes.h"
#include "doctor/report.h"
#include "isolation/obstacle.h"

namespace nucleus::doctor {
namespace {

using spec::IsolationLevel;

void append(std::vector<Item>& items, std::vector<Item> more) {
  std::ranges::move(more, std::back_inserter(items));
}

Item state_item(const Result<std::string>& root) {
  if (root) return {.id = "state-root", .found = *root};
  Error error = root.error();
  std::string fix = error.hint.empty() ? "name a directory of yours by --root DIR" : error.hint;
  error.hint.clear();
  return {
      .id = "state-root", .status = Status::blocked, .found = error.text(), .fix = std::move(fix)};
}

// With less than this no container of any level is started.
constexpr std::string_view kAlways[] = {"kernel", "pidfd", "seccomp", "landlock"};
constexpr std::string_view kNamespaced[] = {"clone3", "openat2", "mount-api", "mount-setattr",
                                            "user-namespaces"};
constexpr std::string_view kFull[] = {"cgroup-limits", "overlayfs", "idmapped-mounts"};

bool stands_in_the_way(const Item* item) {
  return item != nullptr && (item->status == Status::blocked || item->status == Status::missing);
}

}  // namespace

const char* status_name(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::weak: return "weak";
    case Status::missing: return "missing";
    case Status::blocked: break;
  }
  return "blocked";
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

const Item* Report::find(std::string_view id) const {
  const auto found = std::ranges::find(items, id, &Item::id);
  return found != items.end() ? &*found : nullptr;
}

Report examine(const Request& request) {
  const isolation::Caller& caller = request.caller;
  const Scope scope = request.scope;
  Report report;
  report.uid = caller.uid;
  report.user = caller.uid == 0 ? "root" : caller.user_name;
  utsname name{};
  ::uname(&name);
  report.kernel = name.release;
  append(report.items, look_at_kernel());
  report.items.push_back(look_at_seccomp());
  report.items.push_back(look_at_landlock(report.landlock_abi));
  if (scope != Scope::landlock) {
    append(report.items, look_at_namespaces(caller, request.behind));
    append(report.items, look_at_cgroups(caller.uid == 0));
  }
  if (scope == Scope::everything) append(report.items, look_around());
  if (request.state_root) report.items.push_back(state_item(*request.state_root));
  if (scope == Scope::everything) append(report.items, look_for_programs());
  report.level = best_level(report);
  return report;
}

std::optional<Item> obstacle(const Report& report, IsolationLevel level) {
  for (const std::string_view id : kAlways) {
    if (const Item* const item = report.find(id); stands_in_the_way(item)) return *item;
  }
  if (level == IsolationLevel::landlock) {
    const Item* const item = report.find("landlock");
    if (item == nullptr || item->status != Status::ok) return item ? *item : Item{};
    return std::nullopt;
  }
  if (level == IsolationLevel::full && report.uid != 0) {
    return Item{.id = "caller",
                .status = Status::blocked,
                .found = "it is for root, and the caller is uid " + std::to_string(report.uid),
                .fix = "start nucleus as root, or ask for --isolation rootless"};
  }
  for (const std::string_view id : kNamespaced) {
    if (const Item* const item = report.find(id); stands_in_the_way(item)) return *item;
  }
  if (level == IsolationLevel::rootless_single_id) return std::nullopt;
  if (const Item* const item = report.find("subordinate-ids"); stands_in_the_way(item))
    return *item;
  if (level == IsolationLevel::rootless) return std::nullopt;
  for (const std::string_view id : kFull) {
    const Item* const item = report.find(id);
    if (item != nullptr && item->status != Status::ok) return *item;
  }
  return std::nullopt;
}

bool can_run(const Report& report) {
  return report.level != IsolationLevel::none && !stands_in_the_way(report.find("state-root"));
}

IsolationLevel best_level(const Report& report) {
  for (const IsolationLevel level :
       {IsolationLevel::full, IsolationLevel::rootless, IsolationLevel::rootless_single_id,
        IsolationLevel::landlock}) {
    if (!obstacle(report, level)) return level;
  }
  return IsolationLevel::none;
}

Result<> require(IsolationLevel level, const isolation::Caller& caller) {
  const Scope scope = level == IsolationLevel::landlock ? Scope::landlock : Scope::levels;
  const Report report = examine({.caller = caller, .scope = scope});
  const std::optional<Item> item = obstacle(report, level);
  if (!item) return {};
  return fail(Kind::runtime, 0, "have --isolation", spec::level_name(level),
              item->id + ": " + item->found + (item->fix.empty() ? "" : "; " + item->fix) +
                  "; see nucleus doctor");
}

}  // namespace nucleus::doctor
