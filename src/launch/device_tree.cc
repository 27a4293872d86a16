#include "launch/device_tree.h"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace nucleus::launch {
namespace {

Result<> set(int context, const char* key, const std::string& value) {
  if (::syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return {};
  return fail(Kind::runtime, errno, "set up", std::string("the container's /dev (") + key + ")");
}

// What is missing above a node, as the container's root's.
Result<> make_parents(int tree, const DeviceNode& node, uid_t uid, gid_t gid) {
  for (std::size_t at = node.path.find('/'); at != std::string::npos;
       at = node.path.find('/', at + 1)) {
    const std::string part = node.path.substr(0, at);
    if (::mkdirat(tree, part.c_str(), 0755) < 0) {
      if (errno == EEXIST) continue;
      return fail(Kind::runtime, errno, "create the directory", "/dev/" + part);
    }
    if (::fchmodat(tree, part.c_str(), 0755, 0) < 0 ||
        ::fchownat(tree, part.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
      return fail(Kind::runtime, errno, "set the owner of", "/dev/" + part);
  }
  return {};
}

}  // namespace

Result<sys::UniqueFd> make_device_tree(const std::vector<DeviceNode>& nodes, uid_t uid, gid_t gid) {
  const sys::UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return fail(Kind::runtime, errno, "make", "the container's /dev");
  NUCLEUS_CHECK(set(context.get(), "mode", "755"));
  NUCLEUS_CHECK(set(context.get(), "size", "64k"));
  NUCLEUS_CHECK(set(context.get(), "nr_inodes", std::to_string(64 + 8 * nodes.size())));
  NUCLEUS_CHECK(set(context.get(), "uid", std::to_string(uid)));
  NUCLEUS_CHECK(set(context.get(), "gid", std::to_string(gid)));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return fail(Kind::runtime, errno, "make", "the container's /dev");
  sys::UniqueFd tree(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC,
                                                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)));
  if (!tree.valid()) return fail(Kind::runtime, errno, "mount", "the container's /dev");
  for (const DeviceNode& node : nodes) {
    NUCLEUS_CHECK(make_parents(tree.get(), node, uid, gid));
    const char* const path = node.path.c_str();
    if (::mknodat(tree.get(), path, node.mode, node.number) < 0) {
      return fail(Kind::runtime, errno, "make the node of", node.flag,
                  errno == EPERM ? "nucleus runs as the root of a user namespace or without "
                                   "CAP_MKNOD: it can give no devices there"
                                 : "");
    }
    if (::fchmodat(tree.get(), path, node.mode & 07777, 0) < 0 ||
        ::fchownat(tree.get(), path, node.uid, node.gid, AT_SYMLINK_NOFOLLOW) < 0)
      return fail(Kind::runtime, errno, "set the owner of the node of", node.flag);
  }
  return tree;
}

}  // namespace nucleus::launch
