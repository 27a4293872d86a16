// What a container uses at this moment, read from its cgroups. cgroup-v2.rst, psi.rst,
// cgroup-v1/{memory,cpuacct,blkio-controller,pids}.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nucleus::resources {

/// What cannot be read on this host, or has no limit, is absent.
struct Usage {
  std::optional<std::uint64_t> cpu_usec;      // since its start
  std::optional<std::uint64_t> memory_bytes;  // without the page cache that can be dropped at once
  std::optional<std::uint64_t> memory_limit_bytes;
  std::optional<std::uint64_t> swap_bytes;
  std::optional<std::uint64_t> pids, pids_limit;
  std::optional<std::uint64_t> io_read_bytes,
      io_written_bytes;  // of block devices, since its start
  // v2, Linux 4.20 with CONFIG_PSI: percent of the last ten seconds in which something in it
  // waited.
  std::optional<double> cpu_pressure, memory_pressure, io_pressure;

  [[nodiscard]] bool empty() const { return !cpu_usec && !memory_bytes && !pids; }
};

/// `paths`: the container's directories.
[[nodiscard]] Usage read_usage(const std::vector<std::string>& paths);

}  // namespace nucleus::resources
