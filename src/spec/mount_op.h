// One step of building a container's root, as data: what filesystem/ plans, launch/ freezes and
// launch/child executes.
//
// Targets are relative to the root that is being built and are resolved inside it by openat2(2).
// Child-safe: an enum.
#pragma once

#include <cstdint>

namespace nucleus::spec {

enum class MountVerb : std::uint8_t {
  directory,       // mkdir -p target, mode
  file,            // make the file `target` and write `text` into it, mode
  symlink,         // symlink target -> text
  tmpfs,           // a new tmpfs on target; text = its options, "key=value,flag"
  proc,            // a new proc on target
  sysfs,           // a new sysfs on target
  cgroup,          // a new cgroup2 on target
  devpts,          // a new devpts instance on target; text = options
  mqueue,          // a new mqueue on target
  bind,            // the host's path `source` on target, recursively, with `attributes`
  bind_inside,     // the container's own path `source` on target (masks: its /dev/null over a file)
  hide_directory,  // an empty read-only directory on target
  write,           // write `text` into the file that is at target already
  tree,  // the mount tree in descriptor `fd` on target (idmapped by the parent), with `attributes`
  overlay,         // an overlay on target: `text` its options
  enter,           // from here on, target is the root that is being built
  attributes,      // set `attributes` on the mount at target, itself only
  attributes_rec,  // the same for everything below
  own,             // the directory that is at target becomes the workload's
  socket,          // a socket for datagrams, `text`, in the directory at target; the parent gets it
  fill,            // hand the mount at target to the parent, which fills it, and wait for its word
};

// MountOp::flags
inline constexpr std::uint32_t kOptional =
    1U << 0;  // ENOENT on the source is no error: the step is left out
inline constexpr std::uint32_t kFollowSource =
    1U << 1;  // the source may be a symbolic link, to be followed
inline constexpr std::uint32_t kMakeTarget =
    1U << 2;  // create what is missing of the target (file or directory)
inline constexpr std::uint32_t kTargetFile = 1U << 3;  // ... as an empty file, not a directory
inline constexpr std::uint32_t kPlain =
    1U << 4;  // only nucleus has made what the target's path goes through: no link can be in it
inline constexpr std::uint32_t kNoLinks =
    1U << 6;  // directory: that it is a symbolic link, or lies behind one, is an error (ELOOP)
inline constexpr std::uint32_t kOwned = 1U << 5;  // file: it belongs to the workload

}  // namespace nucleus::spec
