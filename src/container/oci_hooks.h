// Programs of the host that are run at points of a container's life: --hooks FILE.
//
// The format is the "hooks" object of the OCI runtime-spec (config.md, "POSIX-platform Hooks"), or
// a whole config.json that has one. Run are those of the runtime's own namespaces: prestart,
// createRuntime, poststart and poststop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace nucleus::container {

struct OciHook {
  std::string point;  // "createRuntime"
  std::string path;   // absolute, without links
  std::vector<std::string> args;
  std::optional<std::vector<std::string>> env;  // absent: nucleus' own
  std::chrono::seconds timeout{30};
};

struct OciHooks {
  std::vector<OciHook> before;  // prestart, then createRuntime
  std::vector<OciHook> poststart;
  std::vector<OciHook> poststop;

  [[nodiscard]] bool empty() const {
    return before.empty() && poststart.empty() && poststop.empty();
  }
};

/// Errors: the file, or a program that it names, is not there, is no hook, or can be changed by
/// others than root and the caller; createContainer and startContainer, which would run inside.
[[nodiscard]] Result<OciHooks> read_hooks(const std::string& file);

/// What a hook reads on its standard input.
struct HookState {
  std::string id;
  const char* status = "";  // "creating", "running", "stopped"
  pid_t pid = 0;            // 0: it has ended
  std::vector<std::pair<std::string, std::string>> annotations;
};

/// Runs one to its end, with the state on standard input and its output on standard error. `await`
/// waits until a descriptor can be read. Errors: it failed, or took longer than its timeout, and
/// was killed with all of its process group.
[[nodiscard]] Result<> run_hook(const OciHook& hook, const HookState& state,
                                const std::function<Result<>(int)>& await);

}  // namespace nucleus::container
