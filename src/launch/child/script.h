// Everything the child needs between clone3 and execve, in flat memory: nothing is left to decide
// or to allocate.
//
// Made by launch/freeze, which owns what the pointers point to. Child-safe: plain data.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "spec/mount_op.h"

namespace nucleus::launch::child {

struct MountStep {
  spec::MountVerb verb{};
  std::uint32_t flags = 0;
  std::uint32_t mode = 0;
  std::uint64_t attributes = 0;
  const char* target = nullptr;
  const char* source = nullptr;
  const char* text = nullptr;
  std::size_t text_size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  // 0: whatever is found there
};

struct Place {
  const char* path = nullptr;
  int fd = -1;                    // instead of the path, when there is one
  std::uint64_t rights = 0;       // for a directory
  std::uint64_t file_rights = 0;  // when it turns out to be something else
};

struct Limit {
  int resource = 0;
  rlimit value{};
};

struct Entrance {
  int fd = -1;         // where "0" is written to enter a cgroup
  bool spare = false;  // it may be refused
};

struct Script {
  int socket = -1;
  const Entrance* entrances = nullptr;
  std::size_t entrance_count = 0;
  bool fills_context = false;    // one of the steps is `fill`
  bool wait_for_limits = false;  // the parent moves this process into its v2 cgroup meanwhile
  int parent_socket = -1;  // the parent's end, which the clone has copied: while it is open here
                           // its death is not seen
  std::uint32_t setup_uid = 0;  // while the root is built
  std::uint32_t setup_gid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool may_set_groups = true;
  const std::uint32_t* groups = nullptr;  // supplementary ones
  std::size_t group_count = 0;
  std::uint64_t capabilities = 0;  // a bit for each that the workload keeps
  bool detach_propagation =
      false;             // no user namespace of our own: the copy of the mounts is still shared
  bool own_root = true;  // false: the host's, as far as Landlock shows it
  bool drops_bounding_set = true;  // false: an ordinary user in no namespace of its own may not
  bool raise_loopback = false;
  bool park = false;             // without an init: stop before the execve, until told to go
  const char* clocks = nullptr;  // for /proc/PID/timens_offsets; null: no time namespace
  std::size_t clocks_size = 0;
  unsigned preserved = 0;  // descriptors of the caller's, from 3 on, that the workload gets
  bool terminal = false;   // the streams become a terminal, of this size
  const char* terminal_device = nullptr;
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  const char* host_name = nullptr;  // null: the host's
  std::size_t host_name_size = 0;
  const MountStep* steps = nullptr;
  std::size_t step_count = 0;
  const char* cwd = nullptr;
  const Limit* limits = nullptr;
  std::size_t limit_count = 0;
  bool join_keyring = true;
  int last_capability = 0;
  std::size_t landlock_size = 0;  // of the ruleset structure; 0: no Landlock
  std::uint64_t landlock_rights = 0;
  std::uint64_t landlock_stream_rights = 0;  // for the terminal or file behind a standard stream
  std::uint64_t landlock_scopes = 0;
  std::uint64_t landlock_network = 0;  // rights that are taken; no rule gives one back
  const Place* places = nullptr;
  std::size_t place_count = 0;
  const sock_filter* filter = nullptr;
  std::uint16_t filter_size = 0;
  // A further process of a running container:
  int join_pidfd = -1;
  long join_flags = 0;
  int streams[3] = {-1, -1, -1};
  bool filter_asks = false;  // its listener goes to the parent
  // With an init: its image, its configuration and its pipe. Without: the program itself.
  int init_image = -1;
  int init_config = -1;
  int init_words = -1;
  const char* const* candidates = nullptr;  // the paths to try, ended by a null pointer
  const char* const* argv = nullptr;
  const char* const* envp = nullptr;
};

}  // namespace nucleus::launch::child
