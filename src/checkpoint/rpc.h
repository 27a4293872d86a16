// What is said to CRIU and what it answers: the messages of its RPC.
//
// Source: criu's images/rpc.proto; criu.org/RPC. CRIU 3.0; the fields used here, 4.1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace nucleus::checkpoint {

enum class RpcType {
  none = 0,
  dump = 1,
  restore = 2,
  check = 3,
  pre_dump = 4,
  notify = 6,
  version = 10
};

enum class NetworkLock { none = 0, iptables = 1, nftables = 2, skip = 3 };

/// Named as criu_opts names them. Descriptors are this process' numbers: CRIU opens them through
/// /proc of who holds the socket's other end.
struct RpcOptions {
  int images_dir_fd = -1;
  int work_dir_fd = -1;
  pid_t pid = 0;  // what is dumped
  std::string log_file = {};
  std::string root = {};                   // below which a restored container's mounts are
  std::vector<std::string> external = {};  // "mnt[PATH]:KEY", "file[MNTID:INODE]", "net[INODE]:KEY"
  std::vector<std::pair<std::string, int>> inherit_fds =
      {};  // key, and the number that CRIU has it by
  bool leave_running = false, leave_stopped = false;
  bool tcp_established = false, tcp_close = false, ext_unix_sk = false;
  bool file_locks = false, shell_job = false, orphan_pts_master = false;
  bool rst_sibling = false;     // what is restored is a child of this process
  bool notify_scripts = false;  // tell of each step, and wait for a word: ask_criu() decides
  std::uint32_t ghost_limit = 0;
  std::string freeze_cgroup = {};
  NetworkLock network_lock = NetworkLock::none;
};

/// Cgroups are never CRIU's to make: the mode is always "ignore". Pure.
[[nodiscard]] std::string rpc_request(RpcType type, const RpcOptions& options);

/// The word that a step has been heard of. Pure.
[[nodiscard]] std::string rpc_notified(bool good);

struct RpcAnswer {
  RpcType type = RpcType::none;
  bool success = false;
  std::string step;  // of a notification: "post-dump", ...
  pid_t pid = 0;     // of a notification, or what was restored
  int errnum = 0;
  std::string message;
};

/// Errors: EBADMSG. Pure.
[[nodiscard]] Result<RpcAnswer> rpc_answer(std::string_view bytes);

}  // namespace nucleus::checkpoint
