// What a face (command line, TOML, config.json) read, before anybody checked it: text, everything
// optional.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nucleus::spec {

struct Draft {
  std::vector<std::string> argv;
  std::optional<std::string> name, hostname, workdir, user, group, context, context_mode,
      context_size, rootfs;
  std::optional<std::string> memory, memory_swap, cpus, cpu_weight, pids, timeout, network, userns;
  std::optional<std::string> cpuset_cpus, cpuset_mems, memory_reservation, shm_size;
  std::optional<std::string> entrypoint, time_namespace, hooks, cidfile, pid_file, isolation,
      audit_log, service_mode, rootfs_sha256;
  std::vector<std::string> env, volumes, devices, tmpfs, context_include;
  std::vector<std::string> groups, mounts, secrets, credentials, ulimits, hosts, labels, sysctls;
  std::vector<std::string> cap_add, io_limits, seccomp_allow, allow_degraded;
  std::optional<std::string> preserve_fds, supervisor, on_supervisor_death;
  std::optional<std::string> restart, stop_signal, stop_timeout, log_driver;
  std::vector<std::string> log_options;
  std::optional<std::string> health_cmd, health_tcp, health_http, health_interval, health_timeout;
  std::optional<std::string> health_retries, health_start_period, health_action;
  std::optional<std::string> readiness_exec, readiness_tcp, readiness_timeout;
  std::optional<bool> detach, remove, readiness_sd_notify, health_sd_notify, listen_fds;
  std::optional<bool> init, allow_host_network, read_only, terminal, interactive, proc_rw;
  std::optional<bool> verify_context;
};

}  // namespace nucleus::spec
