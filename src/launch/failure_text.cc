// The child's {step, index, errno} as a sentence: what failed, on which object, why, and what to
// do.
#include <cerrno>
#include <string>

#include "launch/parent.h"

namespace nucleus::launch {
namespace {

using child::Step;

const char* verb_text(spec::MountVerb verb) {
  switch (verb) {
    case spec::MountVerb::directory: return "create the directory";
    case spec::MountVerb::file: return "write the file";
    case spec::MountVerb::write: return "write to";
    case spec::MountVerb::symlink: return "create the link";
    case spec::MountVerb::tmpfs: return "mount a tmpfs on";
    case spec::MountVerb::proc: return "mount proc on";
    case spec::MountVerb::sysfs: return "mount sysfs on";
    case spec::MountVerb::cgroup: return "mount cgroup2 on";
    case spec::MountVerb::devpts: return "mount devpts on";
    case spec::MountVerb::mqueue: return "mount mqueue on";
    case spec::MountVerb::bind:
    case spec::MountVerb::tree: return "mount the host's";
    case spec::MountVerb::bind_inside:
    case spec::MountVerb::hide_directory: return "cover";
    case spec::MountVerb::overlay: return "mount the private overlay on";
    case spec::MountVerb::enter: return "enter";
    case spec::MountVerb::attributes:
    case spec::MountVerb::attributes_rec: return "set the mount attributes of";
    case spec::MountVerb::own: return "give to the container's user";
    case spec::MountVerb::socket: return "make the socket for notices in";
    case spec::MountVerb::fill: return "fill";
  }
  return "build";
}

std::string mount_hint(const filesystem::MountOp& op, int errnum) {
  using spec::MountVerb;
  const bool host = op.verb == MountVerb::bind || op.verb == MountVerb::tree;
  if (op.verb == MountVerb::proc && errnum == EPERM) {
    return "a container around us hides parts of /proc; give that one an unmasked /proc "
           "(systempaths=unconfined)";
  }
  if (op.verb == MountVerb::directory && (op.flags & spec::kNoLinks) != 0 &&
      (errnum == ELOOP || errnum == ENOTDIR)) {
    return "/proc, /sys and /dev of a rootfs must be directories, or missing, and no symbolic "
           "links";
  }
  if (errnum == EBUSY && op.target != ".")
    return "symbolic links of the rootfs lead this place to the root itself";
  if (errnum == ENOSYS) return mount_call_hint(errnum);
  if (errnum == ESTALE) return "the path was replaced while the container was started";
  if (errnum == EROFS)
    return "the place lies on a read-only part of the root: choose another, or mount a --tmpfs "
           "there";
  if ((errnum == ENOTDIR || errnum == EINVAL) && host)
    return "one of source and target is a directory and the other is not";
  if (errnum == EACCES && host)
    return "the source, or a directory above it, is not readable for you";
  if (op.verb == MountVerb::tmpfs && errnum == EINVAL)
    return "something that is no directory is there in the rootfs";
  if (op.verb == MountVerb::overlay)
    return "the kernel must allow overlayfs in user namespaces (Linux 5.11)";
  if (errnum == ELOOP) return "symbolic links in the root lead in a circle";
  return "";
}

Error mount_failure(const LaunchPlan& plan, const child::Message& message) {
  if (message.index >= plan.root.ops.size()) {
    return fail(Kind::runtime, EPROTO, "understand", "the container's first process").error();
  }
  const filesystem::MountOp& op = plan.root.ops[message.index];
  const bool host = op.verb == spec::MountVerb::bind || op.verb == spec::MountVerb::tree;
  const std::string target = op.target == "." ? "/" : "/" + op.target;
  Error error = fail(Kind::runtime, message.errnum, verb_text(op.verb), host ? op.source : target,
                     mount_hint(op, message.errnum))
                    .error();
  const bool makes = host || op.verb == spec::MountVerb::directory ||
                     op.verb == spec::MountVerb::file || op.verb == spec::MountVerb::tmpfs;
  if (message.errnum == ENOENT && makes && plan.spec->rootfs && error.hint.empty())
    error.hint = "a symbolic link of the rootfs leads nowhere there";
  if (host) error.trail.push_back("on " + target);
  if (!op.flag.empty()) error.trail.push_back(op.flag);
  return error;
}

Error execute_failure(const LaunchPlan& plan, int errnum) {
  const std::string& command = plan.spec->argv.front();
  const bool bare = command.find('/') == std::string::npos;
  if (errnum == ENOENT || errnum == ENOTDIR) {
    return fail(Kind::not_found, errnum, "execute", command,
                bare ? "it is in no directory of the container's PATH"
                     : "it does not exist in the container, or its interpreter does not")
        .error();
  }
  std::string hint;
  if (errnum == EACCES) hint = "it is not executable there (mode, a noexec mount, or a directory)";
  if (errnum == ENOEXEC)
    hint = "it is neither a program for this machine nor a script that begins with #!";
  if (errnum == E2BIG) hint = "arguments and environment are too large";
  if (errnum == ENOMEM) hint = "--memory is too small for it";
  return fail(Kind::not_executable, errnum, "execute", command, hint).error();
}

}  // namespace

std::string mount_call_hint(int errnum) {
  return errnum == ENOSYS
             ? "Linux 5.15 or newer is needed (fsopen, open_tree, move_mount, mount_setattr), and "
               "the seccomp profile of a container around us may hide its calls"
             : "";
}

Error explain_failure(const LaunchPlan& plan, const child::Message& message) {
  const auto simple = [&](std::string op, std::string subject, std::string hint = "") {
    return fail(Kind::runtime, message.errnum, std::move(op), std::move(subject), std::move(hint))
        .error();
  };
  const std::string identity =
      std::to_string(plan.spec->identity.uid) + ":" + std::to_string(plan.spec->identity.gid);
  switch (message.step) {
    case Step::mount_op: return mount_failure(plan, message);
    case Step::join:
      if (message.index == 1) return simple("make", "a process inside the container");
      return simple("join", "the container's namespaces",
                    message.errnum == ESRCH ? "it has just ended" : "");
    case Step::streams: return simple("open", "the streams of the new process");
    case Step::execute: return execute_failure(plan, message.errnum);
    case Step::become_root: return simple("become root of", "the container's user namespace");
    case Step::set_host_name: return simple("set the host name", plan.spec->hostname);
    case Step::raise_loopback: return simple("bring up", "the container's loopback interface");
    case Step::time_namespace:
      return simple(message.index == 2 ? "set the clocks of" : "enter", "--time-namespace",
                    message.errnum == ERANGE
                        ? "a clock would begin before zero, or run over: its own time and the "
                          "offset together are at least 0"
                    : message.errnum == EINVAL || message.errnum == ENOENT
                        ? "the kernel needs time namespaces (Linux 5.6, CONFIG_TIME_NS)"
                        : "");
    case Step::make_root:
      return simple("make", "the container's root file system", mount_call_hint(message.errnum));
    case Step::pivot: return simple("pivot to", "the container's root file system");
    case Step::close_descriptors:
      return simple("close", "inherited descriptors",
                    message.errnum == EMFILE || message.errnum == EINVAL
                        ? "raise the limit of open files (ulimit -n)"
                        : "");
    case Step::no_new_privileges: return simple("set", "no_new_privs");
    case Step::bounding_set: return simple("drop", "the capability bounding set");
    case Step::terminal: return simple("make the terminal of", "--tty");
    case Step::set_groups: return simple("drop", "the caller's supplementary groups");
    case Step::set_identity: return simple("switch to --user", identity);
    case Step::working_directory:
      return simple("change to the working directory", plan.spec->cwd,
                    "give a directory that exists in the container by --workdir");
    case Step::rlimit: return simple("set", "a resource limit (setrlimit)");
    case Step::new_session: return simple("start", "a new session");
    case Step::keyring:
      return simple(
          "join", "a new session keyring",
          message.errnum == EPERM
              ? "a container around us refuses keyctl(2); --allow-degraded keyring goes on "
                "without"
              : "the caller's quota of keys may be used up (/proc/key-users)");

    case Step::landlock_ruleset: return simple("make", "the Landlock ruleset");
    case Step::landlock_rule:
      return simple("add a Landlock rule for", message.index < plan.root.places.size()
                                                   ? plan.root.places[message.index].path
                                                   : "a place");
    case Step::landlock_restrict: return simple("enter", "the Landlock domain");
    case Step::capabilities: return simple("drop", "all capabilities");
    case Step::capabilities_read_back:
      return simple("verify that all capabilities are gone in", "the container");
    case Step::seccomp: return simple("install", "the seccomp filter");
    case Step::execute_init: return simple("execute", "the container's init");
    case Step::init_config: return simple("read", "the init's configuration");
    case Step::fork_workload:
      return simple(
          "fork", plan.spec->argv.front(),
          message.errnum == EAGAIN ? "raise --pids, or the caller's own limit (ulimit -u)" : "");
    case Step::enter_cgroup:
      return simple("enter", "the container's cgroup",
                    message.errnum == EBUSY || message.errnum == ENOSPC
                        ? "its cpuset has no processor or no memory"
                        : "");
    case Step::parent_gone: return simple("tie to the life of nucleus", "the container");
    case Step::hear_parent: return simple("hear from nucleus in", "the container");
    case Step::signals: return simple("reset", "the workload's signals");
    case Step::init_setup: return simple("set up", "the container's init");
    case Step::process_group: return simple("make", "the workload's process group");
    case Step::wait_for_workload: return simple("wait for", plan.spec->argv.front());
  }
  return simple("start", plan.spec->argv.front());
}

}  // namespace nucleus::launch
