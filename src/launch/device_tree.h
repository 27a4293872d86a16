// A /dev with nodes of its own, made by root: devices of the host's, owned by the container's user
// whatever their owner on the host, with the modes that were asked for.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::launch {

struct DeviceNode {
  std::string path;  // below /dev: "net/tun"
  mode_t mode = 0;   // with S_IFCHR or S_IFBLK
  dev_t number = 0;
  uid_t uid = 0;  // the host's numbers
  gid_t gid = 0;
  std::string flag;  // whose wish it is
};

/// A detached tmpfs of one kilobyte a node, owned by `uid`:`gid`, with the nodes in it, to be put
/// in its place by the child. Kernel 5.2 (fsopen). Errors: EPERM for a root that is none.
[[nodiscard]] Result<sys::UniqueFd> make_device_tree(const std::vector<DeviceNode>& nodes,
                                                     uid_t uid, gid_t gid);

}  // namespace nucleus::launch
