#include "container/sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"

namespace nucleus::container {
namespace {

constexpr std::size_t kMostSecret = 1U << 20;

struct Opened {
  sys::UniqueFd fd;
  filesystem::SourceIdentity identity;
};

Result<Opened> open_source(const std::string& flag, const std::string& path, bool follow) {
  auto fd = sys::open_at(AT_FDCWD, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0,
                         "open the source of " + flag);
  if (!fd) {
    Error error = std::move(fd.error());
    if (error.errnum == ENOENT) error.hint = "it does not exist: create it, or correct the path";
    if (error.errnum == EACCES) error.hint = "a directory above it may not be searched by you";
    return std::unexpected(std::move(error));
  }
  struct stat info{};
  if (::fstat(fd->get(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the source of " + flag, path);
  if (S_ISLNK(info.st_mode)) {
    return fail(Kind::runtime, ELOOP, "take a symbolic link for " + flag, path,
                "give the directory that it points to");
  }
  return Opened{
      .fd = std::move(*fd),
      .identity = {
          .device = info.st_dev, .inode = info.st_ino, .directory = S_ISDIR(info.st_mode)}};
}

Result<Opened> open_directory(const std::string& flag, const std::string& path) {
  Opened opened = NUCLEUS_TRY(open_source(flag, path, false));
  if (!opened.identity.directory)
    return fail(Kind::runtime, ENOTDIR, "use for " + flag, path, "give a directory");
  return opened;
}

Result<> add_named(const spec::Volume& volume, bool make, OpenSources& sources) {
  auto named = NamedVolume::open(volume.source, make);
  if (!named) return std::unexpected(with_context(std::move(named.error()), volume.flag));
  filesystem::SourceIdentity identity{.fresh = named->fresh()};
  sys::UniqueFd fd;
  if (named->fd() >= 0) {
    struct stat info{};
    fd = sys::UniqueFd(::fcntl(named->fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd.valid() || ::fstat(fd.get(), &info) < 0)
      return fail(Kind::runtime, errno, "look at the volume", volume.source);
    identity.device = info.st_dev;
    identity.inode = info.st_ino;
  }
  sources.identities.volumes.push_back(identity);
  sources.volumes.push_back(std::move(fd));
  sources.named.push_back(std::move(*named));
  return {};
}

// What would hand over the machine with it: there is no sandbox around the memory of the host.
Result<> harmless(const spec::Device& device, const struct stat& info) {
  const unsigned major = gnu_dev_major(info.st_rdev);
  const unsigned minor = gnu_dev_minor(info.st_rdev);
  const bool memory =
      S_ISCHR(info.st_mode) && major == 1 && (minor == 1 || minor == 2 || minor == 4);
  const bool registers = S_ISCHR(info.st_mode) && major == 202;
  if (memory || registers) {
    return fail(Kind::usage, EPERM, "give", device.flag,
                memory
                    ? "it is the memory or the ports of the machine: whoever opens it owns the host"
                    : "it is the registers of a processor: whoever opens it owns the host");
  }
  if (!S_ISBLK(info.st_mode)) return {};
  // The kernel refuses this where a file system, swap space or another volume is on it, or on a
  // part of it.
  const auto alone =
      sys::open_at(AT_FDCWD, device.source, O_RDONLY | O_EXCL | O_NONBLOCK, 0, "open");
  if (!alone && (alone.error().errnum == EPERM || alone.error().errnum == EACCES)) {
    return fail(Kind::runtime, alone.error().errnum, "give", device.flag,
                "the cgroup around nucleus does not allow this device");
  }
  if (!alone && alone.error().errnum == EBUSY) {
    return fail(Kind::runtime, EBUSY, "give", device.flag,
                "the host uses this disk: writing beside its file system destroys it, and reading "
                "it shows every file; unmount it first, or show a directory of it by --volume");
  }
  return {};
}

Result<filesystem::DeviceIdentity> open_device(const spec::Device& device) {
  const Opened opened = NUCLEUS_TRY(open_source(device.flag, device.source, true));
  struct stat info{};
  if (::fstat(opened.fd.get(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the source of " + device.flag, device.source);
  if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) {
    return fail(Kind::runtime, ENODEV, "give", device.flag,
                "it is no character or block device: --volume shows files and directories");
  }
  // Asked and not tried: opening a device can set it going.
  const auto may = [&](int mode) {
    return ::faccessat(AT_FDCWD, device.source.c_str(), mode, AT_EACCESS) == 0;
  };
  if ((device.read && !may(R_OK)) || (device.write && !may(W_OK))) {
    return fail(Kind::runtime, EACCES, "give", device.flag,
                "only who may open a device can give it; a right that you do have can be given "
                "alone, by :r or :w");
  }
  if (::geteuid() != 0 && ((!device.read && may(R_OK)) || (!device.write && may(W_OK)))) {
    return fail(Kind::runtime, EPERM, "give only a part of", device.flag,
                "you may read and write it, and only root can take one of these away: give both");
  }
  NUCLEUS_CHECK(harmless(device, info));
  return filesystem::DeviceIdentity{
      .node = {.device = info.st_dev, .inode = info.st_ino, .directory = false},
      .number = info.st_rdev,
      .block = S_ISBLK(info.st_mode)};
}

std::vector<launch::DeviceNode> device_nodes(const spec::ContainerSpec& spec,
                                             const filesystem::Sources& identities,
                                             const isolation::IdMaps& maps) {
  std::vector<launch::DeviceNode> nodes;
  for (std::size_t index = 0; index < spec.devices.size(); ++index) {
    const spec::Device& device = spec.devices[index];
    const mode_t rights = (device.read ? 0400U : 0U) | (device.write ? 0200U : 0U);
    nodes.push_back({.path = device.target.substr(std::string_view("/dev/").size()),
                     .mode = rights | (identities.devices[index].block ? S_IFBLK : S_IFCHR),
                     .number = identities.devices[index].number,
                     .uid = isolation::host_id(maps.uids, spec.identity.uid).value_or(0),
                     .gid = isolation::host_id(maps.gids, spec.identity.gid).value_or(0),
                     .flag = device.flag});
  }
  return nodes;
}

}  // namespace

Result<OpenSources> open_sources(const spec::ContainerSpec& spec, bool idmapped,
                                 bool make_volumes) {
  OpenSources sources;
  sources.identities.idmapped = idmapped;
  if (spec.rootfs) {
    Opened opened = NUCLEUS_TRY(open_directory("--rootfs", *spec.rootfs));
    sources.rootfs = std::move(opened.fd);
    sources.identities.rootfs = opened.identity;
  }
  if (spec.context) {
    Opened opened = NUCLEUS_TRY(open_directory("--context", spec.context->source));
    sources.context = std::move(opened.fd);
    sources.identities.context = opened.identity;
  }
  for (const spec::Volume& volume : spec.volumes) {
    if (volume.owners == spec::OwnerMap::yes && ::geteuid() != 0) {
      return fail(Kind::usage, EPERM, "take idmap=yes of", volume.flag,
                  "only root can map owners; your own files are the container's root's without it");
    }
    if (!volume.name.empty()) {
      NUCLEUS_CHECK(add_named(volume, make_volumes, sources));
      continue;
    }
    Opened opened = NUCLEUS_TRY(open_source(volume.flag, volume.source, true));
    sources.volumes.push_back(std::move(opened.fd));
    sources.identities.volumes.push_back(opened.identity);
  }
  for (const spec::Device& device : spec.devices) {
    sources.identities.devices.push_back(NUCLEUS_TRY(open_device(device)));
  }
  sources.identities.made_dev = ::geteuid() == 0;
  for (const spec::Secret& secret : spec.secrets) {
    auto fd = sys::open_at(AT_FDCWD, secret.source, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
                           "read " + secret.flag);
    if (!fd) return std::unexpected(std::move(fd.error()));
    struct stat info{};
    if (::fstat(fd->get(), &info) < 0)
      return fail(Kind::runtime, errno, "look at the source of " + secret.flag, secret.source);
    if (!S_ISREG(info.st_mode))
      return fail(Kind::runtime, EINVAL, "use for " + secret.flag, secret.source, "give a file");
    sources.identities.secrets.push_back(
        NUCLEUS_TRY(sys::read_all(fd->get(), secret.source, kMostSecret)));
  }
  return sources;
}

std::vector<launch::TreeSource> tree_sources(const spec::ContainerSpec& spec,
                                             const OpenSources& sources,
                                             const filesystem::RootPlan& plan,
                                             const isolation::IdMaps& maps) {
  std::vector<launch::TreeSource> trees;
  std::size_t volume = 0;
  for (const filesystem::MountOp& op : plan.ops) {
    if (op.verb != spec::MountVerb::tree) continue;
    launch::TreeSource tree{.fd = -1,
                            .attributes = op.attributes,
                            .owners = launch::TreeOwners::mapped_if_possible,
                            .flag = op.flag};
    if (op.target == "dev") {
      tree.uid = isolation::host_id(maps.uids, 0).value_or(0);
      tree.gid = isolation::host_id(maps.gids, 0).value_or(0);
      tree.nodes = device_nodes(spec, sources.identities, maps);
    } else if (op.flag == "--rootfs") {
      tree.fd = sources.rootfs.get();
    } else if (spec.context && op.target == "context") {
      tree.fd = sources.context.get();
    } else {
      tree.fd = sources.volumes[volume].get();
      tree.owners = spec.volumes[volume].owners == spec::OwnerMap::no ? launch::TreeOwners::unmapped
                                                                      : launch::TreeOwners::mapped;
      tree.cure = spec.volumes[volume].name.empty()
                      ? "--mount type=bind,source=...,target=...,idmap=no shows its files as "
                        "nobody's"
                      : "name a place on another by NUCLEUS_DATA_DIR";
      ++volume;
    }
    trees.push_back(std::move(tree));
  }
  return trees;
}

}  // namespace nucleus::container
