// What the audit log tells of: who did what to which container, and how it went.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nucleus::audit {

/// Who asked: of a request at a control socket what the kernel says of its sender (SO_PEERCRED,
/// unix(7)), else the process itself.
struct Actor {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
};

/// This process.
[[nodiscard]] Actor ourselves();

/// `requested` is written before anything is done, so that nothing is done that cannot be written;
/// one of the other two follows it.
enum class Stage { requested, ok, error };

using Details = std::vector<std::pair<std::string, std::string>>;

struct Event {
  std::string event;  // "create", "start", "exit", "exec", "kill", ...
  std::string id;     // of the container
  std::string name;   // empty: none
  Actor actor = {};
  Stage stage = Stage::ok;
  int errnum = 0;                         // with Stage::error; 0: nucleus' own refusal
  std::string message = {};               // with Stage::error
  std::vector<std::string> command = {};  // secrets are taken out of it when it is written
  Details details = {};
};

}  // namespace nucleus::audit
