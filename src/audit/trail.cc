#include "audit/trail.h"

#include <utility>

namespace nucleus::audit {

Result<Trail> Trail::open(const std::string& path, std::string id, std::string name) {
  Trail trail;
  if (!path.empty()) trail.log_ = NUCLEUS_TRY(Log::open(path));
  trail.id_ = std::move(id);
  trail.name_ = std::move(name);
  return trail;
}

Result<> Trail::requested(const char* event, const Actor& actor, Details details,
                          std::vector<std::string> command) const {
  if (!log_) return {};
  NUCLEUS_CHECK(log_->append({.event = event,
                              .id = id_,
                              .name = name_,
                              .actor = actor,
                              .stage = Stage::requested,
                              .command = std::move(command),
                              .details = std::move(details)}));
  return {};
}

Result<> Trail::done(const char* event, const Actor& actor, Details details) const {
  if (!log_) return {};
  NUCLEUS_CHECK(log_->append(
      {.event = event, .id = id_, .name = name_, .actor = actor, .details = std::move(details)}));
  return {};
}

Result<> Trail::failed(const char* event, const Actor& actor, const Error& error) const {
  if (!log_) return {};
  NUCLEUS_CHECK(log_->append({.event = event,
                              .id = id_,
                              .name = name_,
                              .actor = actor,
                              .stage = Stage::error,
                              .errnum = error.errnum,
                              .message = error.text()}));
  return {};
}

}  // namespace nucleus::audit
