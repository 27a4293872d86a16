// The CRIU that checkpoints are made with: found, held to rules, run by descriptor, asked what it
// can do.
//
// It runs as root, so that whoever could replace it would be root: it belongs to root (or to the
// caller, who is not), others can write neither to it nor to a directory on its way, it is an ELF
// program without set-id bits. It is opened once; what was checked is what is executed. It gets an
// environment of PATH alone, and no configuration file: criu(8), --no-default-config.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::checkpoint {

struct Criu {
  std::string path;  // with every link on its way resolved
  sys::UniqueFd fd;
};

/// /usr/sbin/criu, /usr/bin/criu, /usr/local/sbin/criu, /usr/local/bin/criu.
[[nodiscard]] std::span<const std::string> usual_criu_places();

/// `wanted`, or the first of `places` that exists, or, for who is not root, the first in the
/// directories of `path` (PATH). That one is held to the rules, and no other is looked for when it
/// breaks one. Errors: Kind::usage, none is there; the rule that is broken.
[[nodiscard]] Result<Criu> find_criu(const std::optional<std::string>& wanted,
                                     std::span<const std::string> places, const std::string& path);

struct Ran {
  int code = 0;        // 128 + its number for a signal
  std::string output;  // both streams, the last 256 KiB of them
};

/// Runs it to its end. Errors: it cannot be executed; ETIMEDOUT, it was killed after `patience`.
[[nodiscard]] Result<Ran> run_criu(const Criu& criu, const std::vector<std::string>& words,
                                   std::chrono::milliseconds patience);

/// What it says went wrong: its last lines with "Error", without times; else its last line. Pure.
[[nodiscard]] std::string criu_reason(const std::string& output);

struct CriuVersion {
  unsigned major = 0, minor = 0, patch = 0;
  auto operator<=>(const CriuVersion&) const = default;
  [[nodiscard]] std::string text() const;
};

/// The oldest that nucleus works with.
inline constexpr CriuVersion kOldestCriu{.major = 4, .minor = 1};

/// Of "Version: 4.1.1" among other lines. Pure.
[[nodiscard]] std::optional<CriuVersion> criu_version(const std::string& output);

struct CriuFeature {
  const char* name;      // as criu check --feature takes it; "swrk": that it can be spoken to
  const char* serves;    // what of nucleus needs it
  bool required = true;  // false: only that flag
  bool here = false;
  std::string reason = {};  // why not
};

struct CriuReport {
  CriuVersion version;
  bool works = false;  // what `criu check` says
  std::string reason;  // why not
  std::vector<CriuFeature> features;

  /// Works, is not too old, and has what is required.
  [[nodiscard]] bool good() const;
};

/// Asks it. Errors: it cannot be run, or has no version.
[[nodiscard]] Result<CriuReport> probe_criu(const Criu& criu);

}  // namespace nucleus::checkpoint
