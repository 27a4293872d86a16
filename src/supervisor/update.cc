#include "supervisor/update.h"

#include "base/json_fields.h"
#include "base/undo.h"
#include "resources/limits.h"
#include "spec/names.h"
#include "spec/updated.h"

namespace nucleus::spec {

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Draft>
void fields(F& f, V& v) {
  f("memory", v.memory), f("memory_swap", v.memory_swap);
  f("memory_reservation", v.memory_reservation), f("cpus", v.cpus);
  f("cpu_weight", v.cpu_weight), f("pids", v.pids), f("cpuset_cpus", v.cpuset_cpus);
  f("io_limits", v.io_limits), f("restart", v.restart);
}

}  // namespace nucleus::spec

namespace nucleus::supervisor {

std::string update_request(const spec::Draft& changes) {
  json::Json request = json::write(changes);
  request["op"] = "update";
  return json::dump(request);
}

audit::Details changes_told(const std::string& request) {
  audit::Details changes;
  const auto parsed = json::parse(request, "the request");
  if (!parsed || !parsed->is_object()) return changes;
  for (const auto& [key, value] : parsed->items()) {
    if (key != "op" && !value.is_null() && !value.empty())
      changes.emplace_back(key, value.is_string() ? value.get<std::string>() : json::dump(value));
  }
  return changes;
}

Result<spec::Draft> changes_asked(const std::string& request) {
  return json::read<spec::Draft>(NUCLEUS_TRY(json::parse(request, "the request")), "the request");
}

Result<> update(const spec::Draft& changes, spec::ContainerSpec& spec, store::Held& held,
                const resources::Cgroup* cgroup) {
  const spec::ContainerSpec next = NUCLEUS_TRY(spec::updated(spec, changes));
  Undo undo;
  if (cgroup != nullptr)
    NUCLEUS_CHECK(resources::change_limits(*cgroup, spec.resources, next.resources, undo));
  NUCLEUS_CHECK(held.write_spec(next));
  undo.push([&] { (void)held.write_spec(spec); });
  NUCLEUS_CHECK(held.update(
      [&](store::Entry& entry) { entry.restart = spec::restart_text(next.supervision); }));
  undo.dismiss();
  // In place: the run that goes on has a view of it.
  spec.resources = next.resources;
  spec.supervision = next.supervision;
  return {};
}

}  // namespace nucleus::supervisor
