// Draft to ContainerSpec: every rule about what may be asked for, all violations reported at once.
//
// Pure: no file is opened and no host fact is asked. Whether a source exists is for
// container/sources.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "spec/container_spec.h"
#include "spec/draft.h"

namespace nucleus::spec {

struct Validation {
  std::optional<ContainerSpec> spec;  // present when `errors` is empty
  std::vector<Error> errors;          // each Kind::usage, naming flag, value, reason and cure
};

/// What validation needs to know besides the draft. Texts, so that it stays pure.
struct Surroundings {
  /// Answers for `-e NAME` without a value (Docker's habit: taken from the caller); null: not set.
  const char* (*getenv)(const char*) = nullptr;
  std::string base = "/";    // makes relative sources absolute: the caller's working directory
  std::string volumes = {};  // where named volumes are; empty: nowhere
  std::string passwd =
      {};                  // the rootfs' /etc/passwd and /etc/group: passwd(5), group(5); empty for
  std::string group = {};  // the curated root
  std::int32_t pid = 0;    // of this process, for LISTEN_PID
  // For --isolation landlock, which has no ids and no root of its own.
  std::uint32_t uid = 0, gid = 0;      // the caller's
  bool may_change_ids = false;         // whether the caller can become others
  std::string private_directory = {};  // a path that nobody has yet: the workload's HOME
};

[[nodiscard]] Validation validate(const Draft& draft, const Surroundings& around);

/// An absolute path without ".", "..", doubled or trailing slashes; empty when the text is not
/// absolute, holds "..", or is longer than a path may be.
[[nodiscard]] std::string normal_path(const std::string& text);

}  // namespace nucleus::spec
