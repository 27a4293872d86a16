// What a face (command line, TOML, config.json) read, before anybody checked it: text, everything
// optional.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nucleus::spec {

struct Draft {
  std::vector<std::string> argv;
  std::optional<std::string> name, hostname, workdir, user, group, context, context_mode, rootfs;
  std::optional<std::string> memory, memory_swap, cpus, cpu_weight, pids, timeout, network, userns;
  std::optional<std::string> cpuset_cpus, cpuset_mems, memory_reservation, shm_size;
  std::optional<std::string> entrypoint, cidfile, pid_file, isolation;
  std::vector<std::string> env, volumes, tmpfs, context_include;
  std::vector<std::string> groups, mounts, secrets, credentials, ulimits, hosts, labels, sysctls;
  std::vector<std::string> cap_add, io_limits;
  std::optional<bool> init;
  bool allow_host_network = false;
  bool read_only = false;
  bool terminal = false;
  bool interactive = false;
  bool proc_rw = false;
};

}  // namespace nucleus::spec
