#include "contenders.h"

#include <unistd.h>

#include <cstdio>

#include "place.h"
#include "stop.h"

namespace nucleus::bench {
namespace {

constexpr int kWarmUps = 3;

}  // namespace

void Field::gather() {
  const std::string nucleus = find_program(options_.nucleus, "nucleus");
  const std::string floor = find_program(options_.floor, "floor");
  const std::string bwrap = on_path("bwrap");
  const std::vector<std::string> bwrap_call = {
      bwrap,       "--unshare-all", "--ro-bind", "/usr",     "/usr",  "--symlink",
      "usr/bin",   "/bin",          "--symlink", "usr/lib",  "/lib",  "--symlink",
      "usr/lib64", "/lib64",        "--proc",    "/proc",    "--dev", "/dev",
      "--tmpfs",   "/tmp",          "--",        "/bin/true"};

  add("true", "/bin/true", {"/bin/true"});
  program("floor", floor, "floor (least work)", {floor, "/bin/true"});
  program("version", nucleus, "nucleus --version", {nucleus, "--version"});
  program("nucleus", nucleus, "nucleus run", {nucleus, "run", "--", "/bin/true"});
  program("nucleus-limits", nucleus, "nucleus run, limits",
          {nucleus, "run", "--memory", "64M", "--cpus", "1", "--pids", "64", "--", "/bin/true"});
  std::string files;
  if (options_.wants("nucleus-context-copy") || options_.wants("nucleus-context-bind")) {
    files = make_context(directory_);
  }
  program("nucleus-context-copy", nucleus, "nucleus run, 1,000 files copied",
          {nucleus, "run", "--context", files, "--", "/bin/true"});
  program("nucleus-context-bind", nucleus, "nucleus run, 1,000 files bound",
          {nucleus, "run", "--context", files, "--context-mode", "bind", "--", "/bin/true"});
  program("bwrap", bwrap, "bwrap", bwrap_call);
  rootless(nucleus, floor, bwrap, bwrap_call);
  oci();
  docker();
}

std::vector<Contender*> Field::contenders() const {
  std::vector<Contender*> list;
  for (const auto& item : contenders_) list.push_back(item.get());
  return list;
}

void Field::leave_out(const std::string& name, const std::string& reason) {
  if (!options_.wants(name)) return;
  left_out_.push_back({name, reason});
  std::printf("left out: %s: %s\n", name.c_str(), reason.c_str());
}

std::optional<std::string> Field::attempt(std::string name, std::string label,
                                          std::vector<std::string> arguments,
                                          std::optional<User> user) {
  check_stop();
  auto item = std::make_unique<Contender>(std::move(name), std::move(label), std::move(arguments),
                                          std::move(user));
  for (int count = 0; count < kWarmUps; ++count) {
    auto reason = trial(item->command, directory_);
    reap_orphans();
    if (reason) return reason;
  }
  contenders_.push_back(std::move(item));
  return std::nullopt;
}

void Field::add(const std::string& name, std::string label, std::vector<std::string> arguments,
                std::optional<User> user) {
  if (!options_.wants(name)) return;
  if (auto reason = attempt(name, std::move(label), std::move(arguments), std::move(user)))
    leave_out(name, *reason);
}

void Field::program(const std::string& name, const std::string& path, std::string label,
                    std::vector<std::string> arguments, std::optional<User> user) {
  if (path.empty()) {
    leave_out(name, "the program is not found");
  } else {
    add(name, std::move(label), std::move(arguments), std::move(user));
  }
}

void Field::rootless(const std::string& nucleus, const std::string& floor, const std::string& bwrap,
                     const std::vector<std::string>& bwrap_call) {
  std::string reason;
  std::optional<User> user;
  if (::geteuid() != 0) {
    reason = "not root, so the other contenders are rootless already";
  } else if (user = find_user(options_.as_user); !user) {
    reason = "no user " + (options_.as_user.empty() ? "nucleus-test" : options_.as_user) +
             " (--as-user)";
  } else if (user->uid == 0) {
    reason = "--as-user is root";
  }
  if (!reason.empty()) {
    for (const char* name : {"nucleus-rootless", "floor-rootless", "bwrap-rootless"})
      leave_out(name, reason);
    return;
  }
  const std::string as = ", as " + user->name;
  program("nucleus-rootless", nucleus, "nucleus run" + as, {nucleus, "run", "--", "/bin/true"},
          user);
  program("floor-rootless", floor, "floor" + as, {floor, "/bin/true"}, user);
  program("bwrap-rootless", bwrap, "bwrap" + as, bwrap_call, user);
}

void Field::oci() {
  if (!options_.wants("crun") && !options_.wants("runc")) return;
  const std::string bundle = directory_ + "/bundle";
  const std::string root = make_bundle(bundle);
  for (const std::string name : {"crun", "runc"}) {
    if (!options_.wants(name)) continue;
    const std::string path = on_path(name);
    if (path.empty()) {
      leave_out(name, "the program is not found");
      continue;
    }
    const std::string state = directory_ + "/" + name + "-state";
    const std::string id = "nucleus-bench-" + std::to_string(::getpid());
    states_.add(path, state);
    const auto refusal = attempt(name, name + " run (" + root + ")",
                                 {path, "--root", state, "run", "--bundle", bundle, id});
    if (!refusal) continue;
    // crun refuses a hybrid cgroup hierarchy; without a cgroup it does less than the others,
    // which its label says.
    if (name == "crun" && !attempt(name, "crun run, no cgroup (" + root + ")",
                                   {path, "--root", state, "--cgroup-manager", "disabled", "run",
                                    "--bundle", bundle, id})) {
      std::printf("crun without a cgroup, for with one it says: %s\n", refusal->c_str());
      continue;
    }
    leave_out(name, *refusal);
  }
}

void Field::docker() {
  if (!options_.wants("docker")) return;
  const std::string path = on_path("docker");
  if (path.empty()) return leave_out("docker", "the program is not found");
  const Command info({path, "version", "--format", "{{.Server.Version}}"}, std::nullopt);
  if (const auto reason = trial(info, directory_)) return leave_out("docker", *reason);
  add("docker", "docker run (busybox)",
      {path, "run", "--rm", "--pull", "never", "--network", "none", "busybox", "true"});
}

}  // namespace nucleus::bench
