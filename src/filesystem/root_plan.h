// The container's root as a list of steps: planned here as data, executed by launch/child.
//
// Two kinds of root: the curated one (the host's /usr read-only, a small /etc, tmpfs for the rest)
// and a rootfs directory under a private overlay, whose changes are dropped. /dev, /proc and /sys
// are the same in both.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "filesystem/host_view.h"
#include "spec/container_spec.h"
#include "spec/mount_op.h"

namespace nucleus::filesystem {

/// An object of the host that was opened and checked by the parent: the child must reach the very
/// same one.
struct SourceIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool directory = true;
  bool fresh = false;  // a named volume that was made for this start
};

struct DeviceIdentity {
  SourceIdentity node;
  dev_t number = 0;
  bool block = false;
};

struct MountOp {
  spec::MountVerb verb{};
  std::string target = {};  // relative to the root: "proc/sys", or "." for the root itself
  std::string source =
      {};  // bind: on the host; bind_inside: in the container; symlink: the text of the link
  std::string text = {};         // file contents or mount options
  std::uint64_t attributes = 0;  // MOUNT_ATTR_*
  std::uint32_t flags = 0;       // spec::kOptional and its like
  std::uint32_t mode = 0755;
  SourceIdentity expected = {};  // bind: checked when inode is not 0

  std::string flag = {};  // the flag that asked for it, for the error: "--volume /a:/b"
};

/// A place and what Landlock lets happen below it.
enum class Access { read, devices, read_write };
struct Place {
  std::string path;
  Access access = Access::read;
  int fd = -1;  // the place itself, opened by the parent; -1: the child opens the path
};

struct RootPlan {
  std::vector<MountOp> ops;
  std::vector<Place> places;
  bool fills_context = false;
};

/// What the parent learnt of each source that the spec names, in the spec's order.
struct Sources {
  SourceIdentity rootfs;
  SourceIdentity context;
  std::vector<SourceIdentity> volumes;
  std::vector<DeviceIdentity> devices;
  bool made_dev = false;             // root: /dev comes from the parent, with their nodes in it
  std::vector<std::string> secrets;  // what is in them
  bool idmapped = false;  // mount trees are made by the parent with the container's ids (root only)
};

/// How many files, directories and links a context of this size holds: each takes about 1 KiB of
/// the kernel's memory, which no other limit counts when there is no cgroup.
[[nodiscard]] std::uint64_t context_entries(ByteSize size);

[[nodiscard]] RootPlan plan_root(const spec::ContainerSpec& spec, const Sources& sources,
                                 const HostView& host);

}  // namespace nucleus::filesystem
