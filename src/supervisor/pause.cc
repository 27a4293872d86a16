#include "supervisor/pause.h"

#include <string>

namespace nucleus::supervisor {
namespace {

constexpr auto kNothingElse = [](store::Entry&) {};

Result<> need_status(const store::Held& held, store::Status status, const char* op) {
  if (held.entry().status == status) return {};
  return fail(Kind::usage, 0, op, held.entry().id,
              std::string("it is ") + store::status_name(held.entry().status));
}

}  // namespace

Result<> pause(container::Life& life, store::Held& held) {
  NUCLEUS_CHECK(need_status(held, store::Status::running, "pause"));
  if (!life.cgroup().can_freeze()) {
    return fail(Kind::runtime, 0, "pause", held.entry().id,
                life.cgroup().empty()
                    ? "it has no cgroup that could be frozen: start it as root, or in a delegated "
                      "cgroup of version 2 (systemd-run --user --scope -p Delegate=yes nucleus run "
                      "...)"
                    : "this host has no freezer controller among its cgroups");
  }
  NUCLEUS_CHECK(life.cgroup().freeze());
  const auto written = held.become(store::Status::paused, kNothingElse);
  if (!written) (void)life.cgroup().thaw();
  return written;
}

Result<> resume(container::Life& life, store::Held& held) {
  NUCLEUS_CHECK(need_status(held, store::Status::paused, "resume"));
  NUCLEUS_CHECK(life.cgroup().thaw());
  return held.become(store::Status::running, kNothingElse);
}

void go_on(container::Life& life, store::Held& held) {
  if (held.entry().status == store::Status::paused) (void)resume(life, held);
}

Result<> need_not_paused(const store::Held& held, const char* op) {
  if (held.entry().status != store::Status::paused) return {};
  return fail(Kind::usage, 0, op, held.entry().id, "it is paused: nucleus resume lets it go on");
}

}  // namespace nucleus::supervisor
