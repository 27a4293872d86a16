#include "store/entry.h"

#include <ctime>

#include "base/json_fields.h"

namespace nucleus::store {

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Ending>
void fields(F& f, V& v) {
  f("reason", v.reason), f("code", v.code), f("signal", v.signal), f("limit", v.limit);
  f("message", v.message), f("peak_memory_bytes", v.peak_memory_bytes);
  f("cpu_usec", v.cpu_usec), f("oom_kills", v.oom_kills);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Health>
void fields(F& f, V& v) {
  f("status", v.status), f("failures", v.failures), f("output", v.output);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Entry>
void fields(F& f, V& v) {
  f("version", v.version), f("id", v.id), f("name", v.name), f("status", v.status);
  f("owner", v.owner), f("created_usec", v.created_usec), f("started_usec", v.started_usec);
  f("finished_usec", v.finished_usec), f("supervisor", v.supervisor), f("stand_by", v.stand_by),
      f("pid", v.pid);
  f("restarts", v.restarts), f("restart_usec", v.restart_usec), f("restart", v.restart),
      f("remove", v.remove), f("foreground", v.foreground);
  f("log_driver", v.log_driver), f("cgroups", v.cgroups), f("command", v.command);
  f("labels", v.labels), f("ending", v.ending), f("health", v.health);
  f("status_text", v.status_text), f("notes", v.notes);
}

const char* status_name(Status status) {
  switch (status) {
    case Status::creating: return "creating";
    case Status::created: return "created";
    case Status::running: return "running";
    case Status::paused: return "paused";
    case Status::stopped: return "stopped";
    case Status::failed: return "failed";
  }
  return "unknown";
}

bool may_become(Status from, Status to) {
  switch (from) {
    case Status::creating:
      return to == Status::created || to == Status::running || to == Status::failed;
    case Status::created:
      return to == Status::running || to == Status::stopped || to == Status::failed;
    case Status::running: return to == Status::paused || to == Status::stopped;
    case Status::paused: return to == Status::running || to == Status::stopped;
    // Started again, by hand or by its policy.
    case Status::stopped:
    case Status::failed: return to == Status::creating;
  }
  return false;
}

std::int64_t now_usec() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
}

std::string to_json(const Entry& entry) { return json::dump(json::write(entry)); }

Result<Entry> entry_from_json(const std::string& text, const std::string& subject) {
  const json::Json object = NUCLEUS_TRY(json::parse(text, subject));
  if (object.is_object() && object.contains("version") && object["version"].is_number_integer() &&
      object["version"].get<std::int64_t>() > Entry::kVersion) {
    return fail(Kind::runtime, 0, "read", subject,
                "it was written by a newer nucleus (version " + object["version"].dump() +
                    " of the record): use that one");
  }
  Entry entry = NUCLEUS_TRY(json::read<Entry>(object, subject));
  if (entry.status > Status::failed)
    return fail(Kind::runtime, 0, "read", subject, "it has no known status");
  return entry;
}

}  // namespace nucleus::store
