#include "cli/live/audited.h"

#include "audit/trail.h"

namespace nucleus::cli {

Result<> audited(const store::Store& store, const store::Entry& entry, const char* event,
                 const audit::Details& details, const std::function<Result<>()>& act) {
  // One whose spec cannot be read names no log.
  const auto spec = store.spec(entry.id);
  if (!spec || spec->audit_log.empty()) return act();
  const audit::Trail trail = NUCLEUS_TRY(audit::Trail::open(spec->audit_log, entry.id, entry.name));
  const audit::Actor actor = audit::ourselves();
  NUCLEUS_CHECK(trail.requested(event, actor, details));
  const auto done = act();
  if (done) return trail.done(event, actor);
  NUCLEUS_CHECK(trail.failed(event, actor, done.error()));
  return done;
}

}  // namespace nucleus::cli
