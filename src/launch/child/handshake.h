// What parent and child say to each other between clone3 and execve, over one SEQPACKET socket.
//
//   parent                                   child (PID 1 of the container)
//     | clone3                                 | into its v1 cgroups
//     | id maps                                | waits
//     |------------ go + mount trees --------->| identity of the setup, names, mounts
//     |---------------- limited ------------->| only with a v2 cgroup that clone3 could not be told
//     |<----------------- fill + fd -----------| only with a context to copy: its empty tmpfs
//     | copies                                 | waits
//     |----------------- filled -------------->| pivot, hardening, execve of the init
//     |<--------------- notices + fd ----------| only with a place to notify at: its socket
//     |<-------------- terminal + fd ----------| only with a terminal: the end that the parent
//     keeps
//     |<-------------- listener + fd ----------| only without namespaces: where the filter asks
//     |----------------- go ------------------>| ... and then on to execve
//     |<----------------- parked --------------| only when it was told to stop before the execve
//     |------------------- go ---------------->| whenever
//     |<---------------- started --------------| from the init: the workload has been executed
//     |----------------- go ------------------>| only when the init waits until the layers are read
//     back
//     |<================ ended ================| from the init: how the workload ended
//
// Instead of any of its messages the child may say `failed`: the step, the index of what was being
// done, and the errno. Without an init the socket closes at execve, and that end of file is
// `started`. A peer's death is an end of file too. Child-safe: plain data.
//
// The init closes the socket behind `started`, and says `ended` through a pipe: that is all it
// holds of the supervisor, and, unlike a socket to outside, what CRIU can save and put another one
// in the place of.
#pragma once

#include <cstdint>

namespace nucleus::launch::child {

enum class MessageKind : std::uint32_t {
  go,
  limited,
  fill,
  filled,
  started,
  ended,
  failed,
  terminal,
  parked,
  joined,  // of a further process: its pidfd comes along
  listener,
  notices,
};

enum class Step : std::uint32_t {
  parent_gone,
  enter_cgroup,  // index: which entrance
  hear_parent,   // index: the kind of message that was due
  signals,       // index: which, 0: the mask
  become_root,
  set_host_name,
  raise_loopback,
  time_namespace,
  make_root,
  mount_op,  // index: which
  pivot,
  terminal,
  close_descriptors,
  no_new_privileges,
  bounding_set,
  set_groups,
  set_identity,
  working_directory,
  rlimit,  // index: which resource
  new_session,
  keyring,
  landlock_ruleset,
  landlock_rule,  // index: which place
  landlock_restrict,
  capabilities,
  capabilities_read_back,
  seccomp,
  execute_init,
  init_setup,
  init_config,
  fork_workload,
  process_group,
  wait_for_workload,
  execute,  // the workload's program
  join,     // a further process: 0 its namespaces, 1 the process inside
  streams,
};

struct Message {
  MessageKind kind{};
  Step step{};
  std::uint32_t index = 0;
  std::int32_t errnum = 0;
  std::int32_t code = 0;    // ended
  std::int32_t signal = 0;  // ended
};

// SCM_RIGHTS takes 253; a container with more than this many mounts of the host's is a mistake.
inline constexpr int kMostTrees = 64;

// Where the init finds what it was given.
inline constexpr int kSocketFd = 3;
inline constexpr int kWordsFd = 4;  // the pipe
inline constexpr int kConfigFd = 5;
inline constexpr int kImageFd = 6;
// ... and what it hands on to the workload, as often as its configuration says.
inline constexpr int kPreservedFd = 7;
// Above everything that is put on a number of its own.
inline constexpr int kFreeFd = 23;

}  // namespace nucleus::launch::child
