// What one container's life leaves in the audit log. Of a container that is not audited it is
// empty: every call then does nothing, and succeeds.
#pragma once

#include <optional>
#include <string>

#include "audit/log.h"

namespace nucleus::audit {

class Trail {
 public:
  Trail() = default;

  /// `path` empty: not audited. Errors: as Log::open.
  [[nodiscard]] static Result<Trail> open(const std::string& path, std::string id,
                                          std::string name);

  [[nodiscard]] bool on() const { return log_.has_value(); }
  void rename(std::string name) { name_ = std::move(name); }

  /// Before it is done: what cannot be written must not be done.
  [[nodiscard]] Result<> requested(const char* event, const Actor& actor, Details details = {},
                                   std::vector<std::string> command = {}) const;

  /// After it was done, or had happened.
  [[nodiscard]] Result<> done(const char* event, const Actor& actor, Details details = {}) const;

  /// After it went wrong.
  [[nodiscard]] Result<> failed(const char* event, const Actor& actor, const Error& error) const;

 private:
  std::optional<Log> log_;
  std::string id_, name_;
};

}  // namespace nucleus::audit
