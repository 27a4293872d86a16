#include "spec/spec_json.h"

#include "base/json_fields.h"

// A member that is added to one of these structures breaks the binding here: add it to both lines.
#define NUCLEUS_MEMBERS(value, ...) [[maybe_unused]] auto& [__VA_ARGS__] = (value)

namespace nucleus::spec {

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Identity>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, uid, gid, groups);
  f("uid", uid), f("gid", gid), f("groups", groups);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Context>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, source, mode, verify, include, size);
  f("source", source), f("mode", mode), f("verify", verify), f("include", include);
  f("size", size);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Volume>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, name, source, target, writable, owners, flag);
  f("name", name), f("source", source), f("target", target), f("writable", writable);
  f("owners", owners), f("flag", flag);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Device>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, source, target, read, write, flag);
  f("source", source), f("target", target), f("read", read), f("write", write), f("flag", flag);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, ClockOffset>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, seconds, nanoseconds);
  f("seconds", seconds), f("nanoseconds", nanoseconds);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Clocks>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, monotonic, boottime);
  f("monotonic", monotonic), f("boottime", boottime);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, MayMiss>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, landlock, keyring, cgroup);
  f("landlock", landlock), f("keyring", keyring), f("cgroup", cgroup);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Tmpfs>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, target, size, mode, executable);
  f("target", target), f("size", size), f("mode", mode), f("executable", executable);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Secret>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, source, name, flag);
  f("source", source), f("name", name), f("flag", flag);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Ulimit>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, name, resource, soft, hard);
  f("name", name), f("resource", resource), f("soft", soft), f("hard", hard);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, IoLimit>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, device, key, value);
  f("device", device), f("key", key), f("value", value);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Resources>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, memory, memory_swap, memory_reservation, io, cpus, cpu_weight, pids,
                  pids_asked, cpuset_cpus, cpuset_mems);
  f("memory", memory), f("memory_swap", memory_swap);
  f("memory_reservation", memory_reservation), f("io", io), f("cpus", cpus);
  f("cpu_weight", cpu_weight), f("pids", pids), f("pids_asked", pids_asked);
  f("cpuset_cpus", cpuset_cpus), f("cpuset_mems", cpuset_mems);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Probe>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, kind, text, port);
  f("kind", kind), f("text", text), f("port", port);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, HealthCheck>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, probe, interval, timeout, start_period, retries, action);
  f("probe", probe), f("interval", interval), f("timeout", timeout);
  f("start_period", start_period), f("retries", retries), f("action", action);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Readiness>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, probe, timeout);
  f("probe", probe), f("timeout", timeout);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Supervision>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, restart, restart_most, as_unit, adopt, remove, stop_signal, stop_timeout,
                  log_driver, log_size, log_files, log_socket, health, readiness);
  f("restart", restart), f("restart_most", restart_most), f("as_unit", as_unit);
  f("adopt", adopt);
  f("remove", remove);
  f("stop_signal", stop_signal), f("stop_timeout", stop_timeout), f("log_driver", log_driver);
  f("log_size", log_size), f("log_files", log_files), f("log_socket", log_socket);
  f("health", health);
  f("readiness", readiness);
}

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, ContainerSpec>
void fields(F& f, V& v) {
  NUCLEUS_MEMBERS(v, name, hostname, argv, env, cwd, home, identity, rootfs, rootfs_sha256, context,
                  volumes, devices, tmpfs, secrets, hosts, sysctls, labels, ulimits, capabilities,
                  seccomp_allow, shm_size, read_only, proc_rw, hooks, cidfile, pid_file, audit_log,
                  resources, network, userns, may_miss, clocks, isolation, private_directory,
                  timeout, preserve_fds, init, terminal, interactive, detach, supervision, mode);
  f("name", name), f("hostname", hostname), f("argv", argv), f("env", env), f("cwd", cwd);
  f("home", home), f("identity", identity), f("rootfs", rootfs), f("context", context);
  f("volumes", volumes), f("devices", devices), f("tmpfs", tmpfs), f("secrets", secrets),
      f("hosts", hosts);
  f("sysctls", sysctls), f("labels", labels), f("ulimits", ulimits);
  f("capabilities", capabilities), f("seccomp_allow", seccomp_allow), f("shm_size", shm_size),
      f("read_only", read_only);
  f("proc_rw", proc_rw), f("hooks", hooks), f("cidfile", cidfile), f("pid_file", pid_file);
  f("audit_log", audit_log);
  f("resources", resources), f("network", network), f("userns", userns), f("timeout", timeout);
  f("isolation", isolation), f("private_directory", private_directory);
  f("may_miss", may_miss), f("clocks", clocks);
  f("preserve_fds", preserve_fds), f("init", init), f("terminal", terminal),
      f("interactive", interactive);
  f("detach", detach), f("supervision", supervision);
  f("mode", mode), f("rootfs_sha256", rootfs_sha256);
}

std::string to_json(const ContainerSpec& spec) { return json::dump(json::write(spec)); }

Result<ContainerSpec> spec_from_json(const std::string& text, const std::string& subject) {
  return json::read<ContainerSpec>(NUCLEUS_TRY(json::parse(text, subject)), subject);
}

}  // namespace nucleus::spec
