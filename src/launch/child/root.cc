// Builds the container's root from the script's steps, and leaves the host's behind.
//
// Every target is resolved by openat2(2), or the walk of sys/in_root.h, inside the root that is
// being built: a link in a rootfs or context can never lead outside. Mounts are made as descriptors
// (fsopen(2), open_tree(2)) and moved to where they belong.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "launch/child/child.h"
#include "sys/in_root.h"
#include "sys/raw.h"

namespace nucleus::launch::child {
namespace {

namespace raw = sys::raw;
using spec::MountVerb;

constexpr std::size_t kMostPath = 4096;

long open_inside(int root, const char* path, long flags, long mode = 0, bool no_links = false) {
  return sys::open_in_root_raw(root, path, flags, mode, no_links);
}

void close_fd(long fd) { raw::call(__NR_close, fd); }

std::size_t length(const char* text) {
  std::size_t size = 0;
  while (text[size] != '\0') ++size;
  return size;
}

// "a/b/c" cut at its last slash; the directory part lands in `parent`, "." when there is none.
// Null: too long.
const char* split_last(const char* path, char* parent) {
  const std::size_t size = length(path);
  if (size >= kMostPath) return nullptr;
  std::size_t cut = size;
  while (cut > 0 && path[cut - 1] != '/') --cut;
  if (cut == 0) {
    parent[0] = '.';
    parent[1] = '\0';
  } else {
    for (std::size_t at = 0; at + 1 < cut; ++at) parent[at] = path[at];
    parent[cut - 1] = '\0';
    if (cut == 1) {
      parent[0] = '.';
      parent[1] = '\0';
    }
  }
  return path + cut;
}

// mkdir -p, component by component; answers with the directory's descriptor.
long make_directory(int root, const char* path, long mode) {
  const long there = open_inside(root, path, O_PATH | O_DIRECTORY);
  if (there != -ENOENT) return there;
  const std::size_t size = length(path);
  if (size >= kMostPath) return -ENAMETOOLONG;
  char prefix[kMostPath];
  std::size_t name = 0;  // where the last component of the prefix begins
  long parent = -1;      // what is above it, once that is not the root itself
  for (std::size_t at = 0; at <= size; ++at) {
    prefix[at] = '\0';
    if (path[at] == '/' || path[at] == '\0') {  // NOLINT: within its size
      if (at > name) {
        long here = open_inside(root, prefix, O_PATH | O_DIRECTORY);
        if (here == -ENOENT) {
          here = raw::call(__NR_mkdirat, parent < 0 ? root : parent, raw::address(prefix + name),
                           at == size ? mode : 0755);
          if (here >= 0 || here == -EEXIST) here = open_inside(root, prefix, O_PATH | O_DIRECTORY);
        }
        if (parent >= 0) close_fd(parent);
        if (here < 0) return here;
        parent = here;
      }
      name = at + 1;
    }
    prefix[at] = path[at];
  }
  return parent;
}

// Most steps of the curated root go where only nucleus has put anything. There the kernel's
// ordinary lookup is as safe as openat2 and takes one call instead of four; -ENOENT asks for the
// long way, which makes what is missing on the path.
bool is_plain(const MountStep& step) { return (step.flags & spec::kPlain) != 0; }

long directory_step(int root, const MountStep& step) {
  if (is_plain(step)) {
    const long made = raw::call(__NR_mkdirat, root, raw::address(step.target), step.mode);
    if (made != -ENOENT) return made == -EEXIST ? 0 : made;
  }
  if ((step.flags & spec::kNoLinks) != 0) {
    const long there = open_inside(root, step.target, O_PATH | O_DIRECTORY, 0, true);
    if (there >= 0) close_fd(there);
    if (there != -ENOENT) return there;
  }
  const long fd = make_directory(root, step.target, step.mode);
  if (fd >= 0) close_fd(fd);
  return fd;
}

long make_file(int root, const char* path, long mode) {
  char parent_path[kMostPath];
  if (split_last(path, parent_path) == nullptr) return -ENAMETOOLONG;
  const long parent = make_directory(root, parent_path, 0755);
  if (parent < 0) return parent;
  close_fd(parent);
  return open_inside(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK, mode);
}

// A new file in the place of whatever is there and is no directory: a link that dangles, a FIFO
// that nobody reads, a file of any size.
long replace_file(int root, const char* path, long mode) {
  char parent_path[kMostPath];
  const char* const name = split_last(path, parent_path);
  if (name == nullptr) return -ENAMETOOLONG;
  const long parent = make_directory(root, parent_path, 0755);
  if (parent < 0) return parent;
  long result = raw::call(__NR_unlinkat, parent, raw::address(name), 0);
  if (result >= 0 || result == -ENOENT) {
    result = raw::call(__NR_openat, parent, raw::address(name),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  }
  close_fd(parent);
  return result;
}

long write_text(long fd, const MountStep& step) {
  std::size_t done = 0;
  long result = 0;
  while (done < step.text_size && result >= 0) {
    result = raw::retried(__NR_write, fd, raw::address(step.text + done),
                          static_cast<long>(step.text_size - done));
    if (result > 0) done += static_cast<std::size_t>(result);
  }
  return result;
}

// A setting of the kernel's takes its value in one write, and to be there.
long write_setting(int root, const MountStep& step) {
  const long fd = open_inside(root, step.target, O_WRONLY);
  if (fd < 0) return fd;
  const long result = write_text(fd, step);
  close_fd(fd);
  return result;
}

long write_file(const Script& script, int root, const MountStep& step) {
  long fd = -ENOENT;
  if (is_plain(step)) {
    fd = raw::call(__NR_openat, root, raw::address(step.target),
                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, step.mode);
  }
  if (fd == -ENOENT) fd = replace_file(root, step.target, step.mode);
  if (fd < 0) return fd;
  long result = write_text(fd, step);
  if (result >= 0 && (step.flags & spec::kOwned) != 0)
    result = raw::call(__NR_fchown, fd, script.uid, script.gid);
  close_fd(fd);
  return result;
}

long make_link(int root, const MountStep& step) {
  if (is_plain(step)) {
    const long made =
        raw::call(__NR_symlinkat, raw::address(step.source), root, raw::address(step.target));
    if (made != -ENOENT) return made == -EEXIST ? 0 : made;
  }
  char parent_path[kMostPath];
  const char* const name = split_last(step.target, parent_path);
  if (name == nullptr) return -ENAMETOOLONG;
  const long parent = make_directory(root, parent_path, 0755);
  if (parent < 0) return parent;
  const long made =
      raw::call(__NR_symlinkat, raw::address(step.source), parent, raw::address(name));
  close_fd(parent);
  return made == -EEXIST ? 0 : made;
}

long set_attributes(long tree, std::uint64_t attributes, bool recursive) {
  if (attributes == 0) return 0;
  mount_attr attr{};
  attr.attr_set = attributes;
  return raw::call(__NR_mount_setattr, tree, raw::address(""),
                   AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), raw::address(&attr),
                   sizeof attr);
}

// -EBUSY when both are the same.
long check_other_place(long one, long other) {
  struct statx found[2] = {};
  const long fds[2] = {one, other};
  for (int at = 0; at < 2; ++at) {
    const long asked = raw::call(__NR_statx, fds[at], raw::address(""), AT_EMPTY_PATH, STATX_INO,
                                 raw::address(&found[at]));
    if (asked < 0) return asked;
  }
  const bool same = found[0].stx_ino == found[1].stx_ino &&
                    found[0].stx_dev_major == found[1].stx_dev_major &&
                    found[0].stx_dev_minor == found[1].stx_dev_minor;
  return same ? -EBUSY : 0;
}

// A path to mount on: the directory or file that is there, or is made when the step says so. A link
// of a rootfs may lead it to the root itself, which a mount would not cover but lie behind.
long open_target(int root, const MountStep& step) {
  const long there = open_inside(root, step.target, O_PATH);
  const long other = there >= 0 ? check_other_place(there, root) : 0;
  if (other < 0) {
    close_fd(there);
    return other;
  }
  if (there != -ENOENT || (step.flags & spec::kMakeTarget) == 0) return there;
  if ((step.flags & spec::kTargetFile) == 0) return make_directory(root, step.target, 0755);
  const long made = make_file(root, step.target, 0644);
  if (made < 0) return made;
  close_fd(made);
  return open_inside(root, step.target, O_PATH);
}

// Answers -ENOENT when a directory above the target is missing.
long attach_plain(long tree, int root, const MountStep& step) {
  if ((step.flags & spec::kMakeTarget) != 0) {
    const bool file = (step.flags & spec::kTargetFile) != 0;
    const long made =
        file ? raw::call(__NR_mknodat, root, raw::address(step.target), S_IFREG | 0644, 0)
             : raw::call(__NR_mkdirat, root, raw::address(step.target), 0755);
    if (made < 0 && made != -EEXIST) return made;
  }
  return raw::call(__NR_move_mount, tree, raw::address(""), root, raw::address(step.target),
                   MOVE_MOUNT_F_EMPTY_PATH);
}

long attach(long tree, int root, const MountStep& step) {
  if (is_plain(step)) {
    const long moved = attach_plain(tree, root, step);
    if (moved != -ENOENT) return moved;
  }
  const long target = open_target(root, step);
  if (target < 0) return target;
  const long moved = raw::call(__NR_move_mount, tree, raw::address(""), target, raw::address(""),
                               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  close_fd(target);
  return moved;
}

// "key=value,flag,…" given to fsconfig(2) one by one.
long configure(long context, const char* options, std::size_t size) {
  char text[kMostPath];
  if (size >= kMostPath) return -ENAMETOOLONG;
  for (std::size_t at = 0; at < size; ++at) text[at] = options[at];
  text[size] = '\0';
  std::size_t at = 0;
  while (at < size) {
    const char* const key = text + at;
    const char* value = nullptr;
    while (at < size && text[at] != ',') {
      if (text[at] == '=' && value == nullptr) {
        text[at] = '\0';
        value = text + at + 1;
      }
      ++at;
    }
    text[at++] = '\0';
    const long command = value != nullptr ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    const long set =
        raw::call(__NR_fsconfig, context, command, raw::address(key), raw::address(value), 0);
    if (set < 0) return set;
  }
  return raw::call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
}

long new_mount(const char* type, const MountStep& step) {
  const long context = raw::call(__NR_fsopen, raw::address(type), FSOPEN_CLOEXEC);
  if (context < 0) return context;
  long result = configure(context, step.text, step.text_size);
  if (result >= 0)
    result = raw::call(__NR_fsmount, context, FSMOUNT_CLOEXEC, static_cast<long>(step.attributes));
  close_fd(context);
  return result;
}

long mount_new(const char* type, int root, const MountStep& step) {
  const long tree = new_mount(type, step);
  if (tree < 0) return tree;
  const long result = attach(tree, root, step);
  close_fd(tree);
  return result;
}

// -ESTALE when it is not the very object that the parent opened and checked: a path may name
// another by now.
long check_object(long fd, const MountStep& step) {
  if (step.inode == 0) return 0;
  struct statx found{};
  const long asked =
      raw::call(__NR_statx, fd, raw::address(""), AT_EMPTY_PATH, STATX_INO, raw::address(&found));
  if (asked < 0) return asked;
  const bool same =
      found.stx_ino == step.inode &&
      makedev(found.stx_dev_major, found.stx_dev_minor) == static_cast<dev_t>(step.device);
  return same ? 0 : -ESTALE;
}

// A copy of what `path` below `source` shows, put on the step's target.
long bind_tree(long source, const char* path, long lookup, int root, const MountStep& step) {
  const long tree = raw::call(__NR_open_tree, source, raw::address(path),
                              lookup | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) return tree;
  long result = set_attributes(tree, step.attributes, true);
  if (result >= 0) {
    MountStep target = step;
    // What is mounted decides what the target must be.
    if ((step.flags & (spec::kMakeTarget | spec::kTargetFile)) == spec::kMakeTarget) {
      struct statx kind{};
      result = raw::call(__NR_statx, tree, raw::address(""), AT_EMPTY_PATH, STATX_TYPE,
                         raw::address(&kind));
      if ((kind.stx_mode & S_IFMT) != S_IFDIR) target.flags |= spec::kTargetFile;
    }
    if (result >= 0) result = attach(tree, root, target);
  }
  close_fd(tree);
  return result;
}

long bind_host(int root, const MountStep& step) {
  const bool follow = (step.flags & spec::kFollowSource) != 0;
  if (step.inode == 0)
    return bind_tree(AT_FDCWD, step.source, follow ? 0 : AT_SYMLINK_NOFOLLOW, root, step);
  const long source = raw::call(__NR_openat, AT_FDCWD, raw::address(step.source),
                                O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  if (source < 0) return source;
  long result = check_object(source, step);
  if (result >= 0) result = bind_tree(source, "", AT_EMPTY_PATH, root, step);
  close_fd(source);
  return result;
}

long bind_inside(int root, const MountStep& step) {
  if (is_plain(step)) return bind_tree(root, step.source, AT_SYMLINK_NOFOLLOW, root, step);
  const long source = open_inside(root, step.source, O_PATH);
  if (source < 0) return source;
  const long result = bind_tree(source, "", AT_EMPTY_PATH, root, step);
  close_fd(source);
  return result;
}

// One empty file system serves all hidden directories: the first that is there takes it, the others
// a copy of that. A copy of what is mounted nowhere needs Linux 6.15.
long hide_directory(int root, const MountStep& step, long& nothing) {
  const long target = open_inside(root, step.target, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (target < 0) return target;
  const bool first = nothing < 0;
  long tree = -1;
  if (first) {
    MountStep empty{};
    empty.text = "mode=555,size=4k,nr_inodes=1";
    empty.text_size = length(empty.text);
    empty.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    tree = new_mount("tmpfs", empty);
  } else {
    tree = raw::call(__NR_open_tree, nothing, raw::address(""),
                     AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  }
  long result = tree;
  if (tree >= 0) {
    result = raw::call(__NR_move_mount, tree, raw::address(""), target, raw::address(""),
                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (first && result >= 0) {
      nothing = tree;
    } else {
      close_fd(tree);
    }
  }
  close_fd(target);
  return result;
}

long change_attributes(int root, const MountStep& step) {
  const long at = open_inside(root, step.target, O_PATH);
  if (at < 0) return at;
  const long result = set_attributes(at, step.attributes, step.verb == MountVerb::attributes_rec);
  close_fd(at);
  return result;
}

long give_away(const Script& script, int root, const MountStep& step) {
  const long at = open_inside(root, step.target, O_PATH | O_DIRECTORY);
  if (at < 0) return at;
  const long result =
      raw::call(__NR_fchownat, at, raw::address(""), script.uid, script.gid, AT_EMPTY_PATH);
  close_fd(at);
  return result;
}

long fill(const Script& script, int root, const MountStep& step) {
  const long place = open_inside(root, step.target, O_RDONLY | O_DIRECTORY);
  if (place < 0) return place;
  // What is copied is charged to the container.
  if (script.wait_for_limits) expect(script, MessageKind::limited, nullptr);
  Message message{};
  message.kind = MessageKind::fill;
  const long sent = send(script, message, static_cast<int>(place));
  if (sent < 0) return sent;
  expect(script, MessageKind::filled, nullptr);
  close_fd(place);
  return 0;
}

// What the steps have in common.
struct Building {
  int root;
  long nothing = -1;  // an empty read-only file system, once one is needed
};

long execute(const Script& script, Building& building, const MountStep& step, int tree) {
  int& root = building.root;
  switch (step.verb) {
    case MountVerb::directory: return directory_step(root, step);
    case MountVerb::file: return write_file(script, root, step);
    case MountVerb::write: return write_setting(root, step);
    case MountVerb::symlink: return make_link(root, step);
    case MountVerb::tmpfs: return mount_new("tmpfs", root, step);
    case MountVerb::proc: return mount_new("proc", root, step);
    case MountVerb::sysfs: {
      const long result = mount_new("sysfs", root, step);
      // A container around us that hides parts of /sys makes the kernel refuse a whole one.
      return result == -EPERM ? -ENOENT : result;
    }
    case MountVerb::cgroup: return mount_new("cgroup2", root, step);
    case MountVerb::devpts: return mount_new("devpts", root, step);
    case MountVerb::mqueue: return mount_new("mqueue", root, step);
    case MountVerb::overlay: {
      // Its options name directories relative to the root that is being built.
      const long moved = raw::call(__NR_fchdir, root);
      return moved < 0 ? moved : mount_new("overlay", root, step);
    }
    case MountVerb::bind: return bind_host(root, step);
    case MountVerb::bind_inside: return bind_inside(root, step);
    case MountVerb::hide_directory: return hide_directory(root, step, building.nothing);
    case MountVerb::tree: {
      // The parent has set what the mount is to be; it is only put in its place here.
      return attach(tree, root, step);
    }
    case MountVerb::attributes:
    case MountVerb::attributes_rec: return change_attributes(root, step);
    case MountVerb::own: return give_away(script, root, step);
    case MountVerb::fill: return fill(script, root, step);
    case MountVerb::socket: {
      const long place = open_inside(root, step.target, O_RDONLY | O_DIRECTORY);
      if (place < 0) return place;
      const long result = offer_socket(script, place, step.text);
      close_fd(place);
      return result;
    }
    case MountVerb::enter: {
      const long next = open_inside(root, step.target, O_PATH | O_DIRECTORY);
      if (next >= 0) root = static_cast<int>(next);
      return next;
    }
  }
  return -EINVAL;
}

// The tmpfs that becomes the root has to hang somewhere before pivot_root(2) takes it. What is
// below that place cannot be the source of a mount any more, so that it must not be one where users
// keep things.
int hang_new_root(const Script& script) {
  MountStep step{};
  step.text = "mode=755,size=64m";
  step.text_size = length(step.text);
  step.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  const long tree = new_mount("tmpfs", step);
  check(script, Step::make_root, 0, tree);
  static constexpr const char* kPlaces[] = {"/proc", "/sys", "/mnt", "/tmp"};
  long moved = -ENOENT;
  for (const char* place : kPlaces) {
    moved = raw::call(__NR_move_mount, tree, raw::address(""), AT_FDCWD, raw::address(place),
                      MOVE_MOUNT_F_EMPTY_PATH);
    if (moved != -ENOENT && moved != -ENOTDIR) break;
  }
  check(script, Step::make_root, 1, moved);
  return static_cast<int>(tree);
}

}  // namespace

void build_root(const Script& script, const Trees& trees) {
  if (script.detach_propagation) {
    check(script, Step::make_root, 2,
          raw::call(__NR_mount, 0, raw::address("/"), 0, MS_REC | MS_PRIVATE, 0));
  }
  Building building{.root = hang_new_root(script)};
  std::size_t next_tree = 0;
  for (std::size_t index = 0; index < script.step_count; ++index) {
    const MountStep& step = script.steps[index];
    int tree = -1;
    if (step.verb == MountVerb::tree) {
      check(script, Step::mount_op, index, next_tree < trees.count ? 0 : -EBADF);
      tree = trees.fds[next_tree++];
    }
    const long result = execute(script, building, step, tree);
    if (result == -ENOENT && (step.flags & spec::kOptional) != 0) continue;
    check(script, Step::mount_op, index, result);
  }
  check(script, Step::pivot, 0, raw::call(__NR_fchdir, building.root));
  // pivot_root(2), "pivot_root(".", ".")": the old root is stacked on the new one, and taken off.
  check(script, Step::pivot, 1, raw::call(__NR_pivot_root, raw::address("."), raw::address(".")));
  check(script, Step::pivot, 2, raw::call(__NR_umount2, raw::address("."), MNT_DETACH));
  check(script, Step::pivot, 3, raw::call(__NR_chdir, raw::address("/")));
}

}  // namespace nucleus::launch::child
