// What `nucleus doctor` found out about this host and this caller, and what follows from it.
//
// docs/doctor.md describes the items. Every finding was tried where trying leaves nothing behind,
// and read from the kernel otherwise.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "isolation/id_map.h"
#include "spec/isolation_level.h"

namespace nucleus::doctor {

enum class Status {
  ok,
  weak,     // works with less than it could have
  missing,  // is not there; what needs it says so
  blocked,  // is there, and something keeps this caller from it
};

/// "ok", "weak", "missing", "blocked".
[[nodiscard]] const char* status_name(Status status);

struct Item {
  std::string id;  // stable: "user-namespaces"
  Status status = Status::ok;
  std::string found;                      // one line
  std::string fix = {};                   // what mends it: a command where there is one
  std::vector<std::string> command = {};  // the fix as --fix may run it: safe, and reversible
};

struct Report {
  std::vector<Item> items;
  int landlock_abi = 0;
  std::uint32_t uid = 0;
  std::string user;
  std::string kernel;
  spec::IsolationLevel level = spec::IsolationLevel::none;

  [[nodiscard]] const Item* find(std::string_view id) const;
};

/// How much is looked at: what a level needs, or everything.
enum class Scope { landlock, levels, everything };

struct Request {
  isolation::Caller caller;
  Scope scope = Scope::everything;
  std::optional<Result<std::string>> state_root = std::nullopt;  // what became of looking for it
  std::optional<isolation::Caller> behind = std::nullopt;  // who called sudo, when root is that
};

/// Looks. Forks children that try things and are gone afterwards; call from a process with one
/// thread.
[[nodiscard]] Report examine(const Request& request);

/// The item that keeps this caller from `level`; nothing when it can be had. The report must have
/// the scope for it.
[[nodiscard]] std::optional<Item> obstacle(const Report& report, spec::IsolationLevel level);

/// The best level that the report allows.
[[nodiscard]] spec::IsolationLevel best_level(const Report& report);

/// Whether a container of some level can be started: there is a level, and a place for its record.
[[nodiscard]] bool can_run(const Report& report);

/// Whether this caller can have `level` now. Errors: the reason that doctor gives, with its fix.
[[nodiscard]] Result<> require(spec::IsolationLevel level, const isolation::Caller& caller);

struct Mended {
  std::string command;
  bool ran = false;  // false: it needs root, which the caller is not
  int code = 0;      // its exit code
};

/// Runs the commands of the report's items, each once, after `announce` was told of it.
[[nodiscard]] std::vector<Mended> mend(const Report& report,
                                       void (*announce)(const std::string& command));

}  // namespace nucleus::doctor
