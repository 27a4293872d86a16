#include "filesystem/root_plan.h"

#include <linux/mount.h>

#include <algorithm>
#include <string_view>

namespace nucleus::filesystem {
namespace {

using spec::MountVerb;

constexpr std::uint64_t kNoSuidDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t kReadOnly = MOUNT_ATTR_RDONLY | kNoSuidDev;
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};
// What programs need of the host's /etc. Nothing here identifies the host or its users, and nothing
// holds a secret: ssl/private, shadow, machine-id, ssh and the like are left out by not being in
// the list. Each costs a mount.
constexpr const char* kEtc[] = {
    "alternatives",    "ld.so.cache",     "protocols",       "services",        "mime.types",
    "ssl/certs",       "ssl/openssl.cnf", "pki/tls/certs",   "pki/ca-trust",    "java-11-openjdk",
    "java-17-openjdk", "java-21-openjdk", "java-25-openjdk", "crypto-policies", "fonts",
};
constexpr const char* kHiddenFiles[] = {
    "proc/interrupts",  "proc/kcore",    "proc/keys",       "proc/latency_stats", "proc/timer_list",
    "proc/sched_debug", "proc/kallsyms", "proc/kpagecount", "proc/kpageflags",
};
constexpr const char* kHiddenDirectories[] = {
    "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
};
constexpr const char* kReadOnlyProc[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                         "proc/sysrq-trigger"};
constexpr const char* kNameServices =
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
    "protocols: files\nservices: files\n";

std::string inside(const std::string& path) { return path == "/" ? "." : path.substr(1); }

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (; mode != 0; mode >>= 3) digits.insert(digits.begin(), static_cast<char>('0' + (mode & 7)));
  return digits.empty() ? "0" : digits;
}

class Planner {
 public:
  Planner(const spec::ContainerSpec& spec, const Sources& sources, const HostView& host)
      : spec_(spec), sources_(sources), host_(host) {}

  RootPlan run() {
    if (spec_.rootfs) {
      private_rootfs();
    } else {
      curated_root();
    }
    devices();
    kernel_views();
    // After the root's own mounts and before the user's: a volume may lie on a tmpfs, never under
    // one.
    for (const spec::Tmpfs& item : spec_.tmpfs) user_tmpfs(item);
    secrets();
    notify_socket();
    context();
    for (std::size_t index = 0; index < spec_.volumes.size(); ++index) volume(index);
    if (spec_.cwd != "/" && !is_below_mount(spec_.cwd)) {
      add({.verb = MountVerb::directory, .target = inside(spec_.cwd)});
    }
    if (!spec_.rootfs || spec_.read_only) {
      add({.verb = MountVerb::attributes, .target = ".", .attributes = kReadOnly});
    }
    return std::move(plan_);
  }

 private:
  void add(MountOp op) { plan_.ops.push_back(std::move(op)); }

  // A step of nucleus' own: in the curated root nobody else has put anything where it goes.
  void add_own(MountOp op) {
    if (!spec_.rootfs) op.flags |= spec::kPlain;
    add(std::move(op));
  }

  void directory(std::string target, std::uint32_t mode = 0755) {
    add_own({.verb = MountVerb::directory, .target = std::move(target), .mode = mode});
  }
  void file(std::string target, std::string text) {
    add_own({.verb = MountVerb::file,
             .target = std::move(target),
             .text = std::move(text),
             .mode = 0644});
  }
  void link(std::string target, std::string text) {
    add_own({.verb = MountVerb::symlink, .target = std::move(target), .source = std::move(text)});
  }
  void tmpfs(std::string target, std::string options, std::uint64_t attributes) {
    add_own({.verb = MountVerb::tmpfs,
             .target = std::move(target),
             .text = std::move(options),
             .attributes = attributes,
             .flags = spec::kMakeTarget});
  }
  void place(std::string path, Access access) { plan_.places.push_back({std::move(path), access}); }

  bool is_below_mount(const std::string& path) const {
    for (const Place& item : plan_.places) {
      if (item.access == Access::read_write &&
          (path == item.path || path.starts_with(item.path + "/")))
        return true;
    }
    for (const spec::Volume& volume : spec_.volumes) {
      if (path.starts_with(volume.target + "/")) return true;
    }
    if (!spec_.rootfs && (path == "/usr" || path.starts_with("/usr/"))) return true;
    return path.starts_with("/proc/") || path.starts_with("/sys/");
  }

  std::string owner() const {
    return ",uid=" + std::to_string(spec_.identity.uid) +
           ",gid=" + std::to_string(spec_.identity.gid);
  }

  void curated_root() {
    place("/", Access::read);
    for (const std::string& name : host_.directories) {
      add_own({.verb = MountVerb::bind,
               .target = name,
               .source = "/" + name,
               .attributes = kReadOnly,
               .flags = spec::kMakeTarget});
    }
    for (const auto& [name, text] : host_.links) link(name, text);
    curated_etc();
    directory("run");
    directory("var");
    link("var/run", "../run");
    link("var/tmp", "../tmp");
    tmpfs("tmp", "mode=1777", kNoSuidDev);
    place("/tmp", Access::read_write);
    tmpfs(inside(spec_.home), "mode=700" + owner(), kNoSuidDev);
    place(spec_.home, Access::read_write);
  }

  void curated_etc() {
    directory("etc");
    for (const char* name : kEtc) etc_as_on_host(name);
    // A link into what is shown anyway is cheaper than a mount.
    if (host_.localtime.starts_with("/usr/") || host_.localtime.starts_with("../usr/")) {
      link("etc/localtime", host_.localtime);
    } else {
      etc_as_on_host("localtime");
    }
    const std::string uid = std::to_string(spec_.identity.uid);
    const std::string gid = std::to_string(spec_.identity.gid);
    std::string passwd = "root:x:0:0:root:/root:/bin/sh\n";
    std::string group = "root:x:0:\n";
    if (spec_.identity.uid != 0 && spec_.identity.uid != 65534) {
      passwd += "user:x:" + uid + ":" + gid + ":user:" + spec_.home + ":/bin/sh\n";
    }
    if (spec_.identity.gid != 0 && spec_.identity.gid != 65534) group += "user:x:" + gid + ":\n";
    passwd += "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    group += "tty:x:5:\nnogroup:x:65534:\n";
    file("etc/passwd", passwd);
    file("etc/group", group);
    file("etc/host.conf", "multi on\n");
    file("etc/nsswitch.conf", kNameServices);
    names();
  }

  void etc_as_on_host(const char* name) {
    add_own({.verb = MountVerb::bind,
             .target = std::string("etc/") + name,
             .source = std::string("/etc/") + name,
             .attributes = kReadOnly,
             .flags = spec::kMakeTarget | spec::kOptional | spec::kFollowSource});
  }

  void names() {
    file("etc/hostname", spec_.hostname + "\n");
    std::string hosts =
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\t" + spec_.hostname + "\n";
    for (const auto& [name, address] : spec_.hosts) {
      hosts.append(address).append("\t").append(name).append("\n");
    }
    file("etc/hosts", hosts);
    file("etc/resolv.conf", host_.resolv_conf);
  }

  void private_rootfs() {
    directory("lower");
    directory("upper");
    directory("work");
    directory("merged");
    add({.verb = sources_.idmapped ? MountVerb::tree : MountVerb::bind,
         .target = "lower",
         .source = *spec_.rootfs,
         .attributes = kNoSuidDev,
         .expected = sources_.rootfs,
         .flag = "--rootfs"});
    add({.verb = MountVerb::overlay,
         .target = "merged",
         .text = "lowerdir=lower,upperdir=upper,workdir=work,userxattr",
         .attributes = kNoSuidDev,
         .flag = "--rootfs"});
    add({.verb = MountVerb::enter, .target = "merged"});
    // A link would let the rootfs choose where these are mounted: one over another, say, and what
    // covers parts of them would miss.
    for (const char* name : {"proc", "sys", "dev"}) {
      add({.verb = MountVerb::directory,
           .target = name,
           .flags = spec::kNoLinks,
           .flag = "--rootfs"});
    }
    directory("etc");
    directory("tmp", 01777);
    names();
    place("/", spec_.read_only ? Access::read : Access::read_write);
    if (spec_.read_only) {
      tmpfs("tmp", "mode=1777", kNoSuidDev);
      place("/tmp", Access::read_write);
    }
  }

  void devices() {
    if (sources_.made_dev && !spec_.devices.empty()) {
      add_own({.verb = MountVerb::tree,
               .target = "dev",
               .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
               .flags = spec::kMakeTarget,
               .flag = "--device"});
    } else {
      tmpfs("dev", "mode=755,size=64k,nr_inodes=" + std::to_string(64 + 8 * spec_.devices.size()),
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
      for (std::size_t index = 0; index < spec_.devices.size(); ++index) device(index);
    }
    for (const char* name : kDevices) {
      add_own({.verb = MountVerb::bind,
               .target = std::string("dev/") + name,
               .source = std::string("/dev/") + name,
               .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
               .flags = spec::kMakeTarget | spec::kTargetFile});
    }
    directory("dev/pts");
    add_own({.verb = MountVerb::devpts,
             .target = "dev/pts",
             .text = "newinstance,ptmxmode=0666,mode=620",
             .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC});
    tmpfs("dev/shm", "mode=1777,size=" + std::to_string(spec_.shm_size.bytes),
          kNoSuidDev | MOUNT_ATTR_NOEXEC);
    directory("dev/mqueue");
    add_own({.verb = MountVerb::mqueue,
             .target = "dev/mqueue",
             .attributes = kNoSuidDev | MOUNT_ATTR_NOEXEC});
    link("dev/ptmx", "pts/ptmx");
    link("dev/fd", "/proc/self/fd");
    link("dev/stdin", "/proc/self/fd/0");
    link("dev/stdout", "/proc/self/fd/1");
    link("dev/stderr", "/proc/self/fd/2");
    add_own({.verb = MountVerb::attributes,
             .target = "dev",
             .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC});
    place("/dev", Access::devices);
    place("/dev/shm", Access::read_write);
    place("/dev/mqueue", Access::read_write);
  }

  void device(std::size_t index) {
    const spec::Device& item = spec_.devices[index];
    add({.verb = MountVerb::bind,
         .target = inside(item.target),
         .source = item.source,
         .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
         .flags = spec::kMakeTarget | spec::kTargetFile | spec::kFollowSource,
         .expected = sources_.devices[index].node,
         .flag = item.flag});
  }

  void kernel_views() {
    directory("proc", 0555);
    directory("sys", 0555);
    // proc(5), hidepid: others' processes are not even seen. By name: Linux 5.8.
    const bool hidden = spec_.mode == spec::ServiceMode::production;
    add_own({.verb = MountVerb::proc,
             .target = "proc",
             .text = hidden ? "hidepid=invisible" : "",
             .attributes = kNoSuidDev | MOUNT_ATTR_NOEXEC});
    // A sysfs shows the devices of its network namespace; with the host's there is nothing of our
    // own to show.
    const bool own_sysfs = spec_.network == spec::NetworkMode::none;
    if (own_sysfs) {
      add_own({.verb = MountVerb::sysfs,
               .target = "sys",
               .attributes = kReadOnly | MOUNT_ATTR_NOEXEC,
               .flags = spec::kOptional});
    }
    for (const auto& [key, value] : spec_.sysctls) {
      add({.verb = MountVerb::write,
           .target = "proc/sys/" + key,
           .text = value,
           .flag = "--sysctl " + key});
    }
    if (!spec_.proc_rw) {
      for (const char* path : kReadOnlyProc) bind_inside(path, path, kReadOnly | MOUNT_ATTR_NOEXEC);
    }
    for (const char* path : kHiddenFiles) bind_inside("dev/null", path, 0);
    for (const char* path : kHiddenDirectories) {
      if (!own_sysfs && std::string_view(path).starts_with("sys/")) continue;
      add_own({.verb = MountVerb::hide_directory, .target = path, .flags = spec::kOptional});
    }
    place("/proc", Access::devices);
  }

  void bind_inside(const std::string& source, const std::string& target, std::uint64_t attributes) {
    add_own({.verb = MountVerb::bind_inside,
             .target = target,
             .source = source,
             .attributes = attributes,
             .flags = spec::kOptional});
  }

  void user_tmpfs(const spec::Tmpfs& item) {
    add({.verb = MountVerb::tmpfs,
         .target = inside(item.target),
         .text = "size=" + std::to_string(item.size.bytes) + ",mode=" + octal(item.mode) + owner(),
         .attributes = kNoSuidDev | (item.executable ? 0ULL : MOUNT_ATTR_NOEXEC),
         .flags = spec::kMakeTarget,
         .flag = "--tmpfs " + item.target});
    place(item.target, Access::read_write);
  }

  void secrets() {
    if (spec_.secrets.empty()) return;
    std::size_t room = 0;
    for (const std::string& text : sources_.secrets) room += text.size() + 8192;
    add({.verb = MountVerb::tmpfs,
         .target = "run/secrets",
         .text = "mode=500,size=" + std::to_string(room) + owner(),
         .attributes = kNoSuidDev | MOUNT_ATTR_NOEXEC,
         .flags = spec::kMakeTarget,
         .flag = "--secret"});
    for (std::size_t index = 0; index < spec_.secrets.size(); ++index) {
      add({.verb = MountVerb::file,
           .target = "run/secrets/" + spec_.secrets[index].name,
           .text = sources_.secrets[index],
           .flags = spec::kOwned,
           .mode = 0400,
           .flag = spec_.secrets[index].flag});
    }
    add({.verb = MountVerb::attributes,
         .target = "run/secrets",
         .attributes = kReadOnly | MOUNT_ATTR_NOEXEC,
         .flag = "--secret"});
  }

  // Read-only, so that nobody inside puts another socket there; a socket can be written to all the
  // same.
  void notify_socket() {
    if (!spec_.notifies()) return;
    const bool ready = spec_.supervision.readiness.probe.kind == spec::ProbeKind::sd_notify;
    const char* const flag = ready ? "--readiness-sd-notify" : "--health-sd-notify";
    const std::string place = inside(spec::kNotifyDirectory);
    add({.verb = MountVerb::tmpfs,
         .target = place,
         .text = "mode=755,size=4k,nr_inodes=4",
         .attributes = kNoSuidDev | MOUNT_ATTR_NOEXEC,
         .flags = spec::kMakeTarget,
         .flag = flag});
    add({.verb = MountVerb::socket,
         .target = place,
         .text = std::string(spec::kNotifySocket).substr(place.size() + 2),
         .flag = flag});
    add({.verb = MountVerb::attributes,
         .target = place,
         .attributes = kReadOnly | MOUNT_ATTR_NOEXEC,
         .flag = flag});
  }

  void context() {
    if (!spec_.context) return;
    if (spec_.context->mode == spec::ContextMode::bind) {
      mount_source(spec_.context->source, "/context", sources_.context, kReadOnly,
                   "--context " + spec_.context->source);
      return;
    }
    add({.verb = MountVerb::tmpfs,
         .target = "context",
         .text = "mode=755,size=" + std::to_string(spec_.context->size.bytes) +
                 ",nr_inodes=" + std::to_string(context_entries(spec_.context->size)) + owner(),
         .attributes = kNoSuidDev,
         .flags = spec::kMakeTarget,
         .flag = "--context"});
    add({.verb = MountVerb::fill,
         .target = "context",
         .source = spec_.context->source,
         .text = spec_.context->verify ? "verified" : "",
         .flag = "--context"});
    plan_.fills_context = true;
    place("/context", Access::read_write);
  }

  void volume(std::size_t index) {
    const spec::Volume& item = spec_.volumes[index];
    mount_source(item.source, item.target, sources_.volumes[index],
                 item.writable ? kNoSuidDev : kReadOnly, item.flag);
    if (item.writable) place(item.target, Access::read_write);
    if (item.writable && sources_.volumes[index].fresh)
      add({.verb = MountVerb::own, .target = inside(item.target), .flag = item.flag});
  }

  void mount_source(const std::string& source, const std::string& target,
                    const SourceIdentity& identity, std::uint64_t attributes, std::string flag) {
    add({.verb = sources_.idmapped ? MountVerb::tree : MountVerb::bind,
         .target = inside(target),
         .source = source,
         .attributes = attributes,
         .flags = spec::kMakeTarget | spec::kFollowSource |
                  (identity.directory ? 0U : spec::kTargetFile),
         .expected = identity,
         .flag = std::move(flag)});
  }

  const spec::ContainerSpec& spec_;
  const Sources& sources_;
  const HostView& host_;
  RootPlan plan_;
};

}  // namespace

std::uint64_t context_entries(ByteSize size) {
  constexpr std::uint64_t kLeast = 1024;
  return std::max(kLeast, size.bytes / 1024);
}

RootPlan plan_root(const spec::ContainerSpec& spec, const Sources& sources, const HostView& host) {
  return Planner(spec, sources, host).run();
}

}  // namespace nucleus::filesystem
