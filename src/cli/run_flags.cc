#include "cli/run_flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/hints.h"

namespace nucleus::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  nucleus run -- python3 -c 'print(6 * 7)'
  nucleus run --context . --memory 512M --pids 64 --timeout 30 -- make test
  nucleus run -v /srv/data:/data -v "$PWD/out":/out:rw -- sort /data/in -o /out/sorted
  nucleus run -it -- bash
  nucleus run --json --timeout 5 -- sh -c 'exit 3'

The exit code is the command's; 128 + N when signal N ended it; 2 the command line is wrong; 125 nucleus failed;
126 the command cannot be executed; 127 it was not found.)";

// Everything that is not a flag's value stays a text here: spec/validate reports all that is wrong
// at once.
struct Binder {
  CLI::App& app;

  void text(const std::string& names, std::optional<std::string>& into, const std::string& form,
            const std::string& help) {
    app.add_option(names, into, help)->type_name(form);
  }
  void texts(const std::string& names, std::vector<std::string>& into, const std::string& form,
             const std::string& help) {
    app.add_option(names, into, help)->type_name(form)->allow_extra_args(false);
  }
};

void bind_flags(CLI::App& app, RunFlags& flags, bool& with_init, bool& without_init, bool& remove) {
  spec::Draft& draft = flags.draft;
  Binder bind{app};
  app.add_flag("-i,--interactive", draft.interactive,
               "with --tty: pass standard input on (without, it always is)");
  app.add_flag("-t,--tty", draft.terminal, "give the command a terminal of the container's own");
  bind.text("--name", draft.name, "NAME", "a name that no other running container has");
  bind.text("--hostname", draft.hostname, "NAME",
            "host name inside; default: the name, or nucleus");
  bind.text("-w,--workdir", draft.workdir, "DIR",
            "working directory inside; default: /context when there is one, or /");
  bind.texts("-e,--env", draft.env, "KEY=VALUE",
             "environment variable; KEY alone takes the caller's value");
  bind.texts("--env-file", flags.env_files, "FILE",
             "lines of KEY=VALUE, or KEY; what --env says wins");
  bind.text("--entrypoint", draft.entrypoint, "COMMAND",
            "put before the command, whose words are then its arguments");
  bind.text(
      "-u,--user", draft.user, "USER[:GROUP]",
      "who the command is inside, by number or by name in the root's own /etc/passwd; default: "
      "0:0, which is nobody outside");
  bind.text("--group", draft.group, "GROUP", "its group");
  bind.texts("--additional-group", draft.groups, "GROUP", "one more group for it");
  bind.text("--context", draft.context, "DIR", "a directory of the host to work on, as /context");
  bind.text("--context-mode", draft.context_mode, "copy|bind",
            "copy (default): a private copy; bind: the directory itself, read-only");
  bind.texts("--context-include", draft.context_include, "PATTERN",
             "take in names that are left out of a copy as secrets (.env, *.pem, .ssh, ...)");
  bind.text("--rootfs", draft.rootfs, "DIR",
            "a root file system; changes are kept apart and dropped at the end");
  app.add_flag("--read-only", draft.read_only, "a --rootfs that cannot be changed, not even apart");
  bind.texts("-v,--volume", draft.volumes, "SOURCE:TARGET[:ro|rw]",
             "show a file or directory of the host; default ro");
  bind.texts("--tmpfs", draft.tmpfs, "TARGET[:size=N,mode=M,exec]",
             "an empty place in memory; default size 64M");
  bind.texts("--mount", draft.mounts, "type=bind,source=PATH,target=PATH[,rw]",
             "the long form of both: type=tmpfs too; paths may hold colons");
  bind.text("--shm-size", draft.shm_size, "SIZE", "room in /dev/shm; default 64M");
  bind.texts("--secret", draft.secrets, "FILE[:NAME]",
             "a file for the command's eyes only, in memory, as /run/secrets/NAME");
  bind.texts("--systemd-credential", draft.credentials, "CREDENTIAL[:NAME]",
             "the same from the credentials that systemd gave to this service");
  bind.texts("--add-host", draft.hosts, "NAME:ADDRESS", "a line of /etc/hosts");
  bind.text("-m,--memory", draft.memory, "SIZE", "memory limit: 64M, 2G");
  bind.text("--memory-swap", draft.memory_swap, "SIZE",
            "memory and swap together; default: no swap");
  bind.text("--memory-reservation", draft.memory_reservation, "SIZE",
            "memory to be left to it when the host runs short");
  bind.text("--cpus", draft.cpus, "NUMBER", "processors' worth of time: 0.5, 2");
  bind.text("--cpu-weight", draft.cpu_weight, "1-10000",
            "share of busy processors; the usual is 100");
  bind.text("--cpuset-cpus", draft.cpuset_cpus, "LIST", "processors to run on: 0-1,3");
  bind.text("--cpuset-mems", draft.cpuset_mems, "LIST", "memory nodes to use");
  bind.text("--pids", draft.pids, "N|max", "most processes and threads; default 512");
  bind.texts("--io-limit", draft.io_limits, "MAJOR:MINOR KEY=N...",
             "a block device's rbps, wbps, riops or wiops a second");
  bind.texts("--ulimit", draft.ulimits, "NAME=SOFT[:HARD]", "nofile=4096, stack=16777216, ...");
  bind.texts("--sysctl", draft.sysctls, "NAME=VALUE",
             "a setting of its own namespaces: net.*, kernel.shm*, ...");
  bind.texts("--cap-add", draft.cap_add, "NAME",
             "keep a capability: NET_BIND_SERVICE, CHOWN, ... (weakens the isolation)");
  app.add_flag("--proc-rw", draft.proc_rw, "leave /proc/sys writable (weakens the isolation)");
  bind.text("--timeout", draft.timeout, "TIME",
            "end the command after this time: 90, 1.5, 250ms, 5m, 1h");
  bind.text("--network", draft.network, "none|host", "none (default): a loopback of its own");
  app.add_flag("--allow-host-network", draft.allow_host_network, "needed with --network host");
  bind.text("--isolation", draft.isolation, "auto|full|rootless|landlock",
            "how strongly it is held; auto (default): the best there is, of those with namespaces");
  bind.text("--userns", draft.userns, "auto|host",
            "host: no user namespace (root only; weakens the isolation)");
  app.add_flag("--init", with_init,
               "a small init as PID 1 reaps orphans and passes signals on (default)");
  app.add_flag("--no-init", without_init, "the command itself is PID 1");
  app.add_flag("--rm", remove, "accepted for Docker's sake: nothing is ever left behind");
  app.add_flag("--json", flags.json,
               "print one object about the end on standard output, after the command's own");
  bind.text("--result-file", flags.result_file, "FILE", "write that object to a file");
  bind.texts("--label", draft.labels, "KEY=VALUE", "goes into that object");
  bind.text("--cidfile", draft.cidfile, "FILE", "write the container's id to a new file");
  bind.text("--pid-file", draft.pid_file, "FILE",
            "write the pid of its first process to a file, which goes with it");
  bind.text("--root", flags.state_root, "DIR", "directory of the records (or $NUCLEUS_STATE_DIR)");
}

Error usage(std::string op, std::string subject, std::string hint) {
  return fail(Kind::usage, 0, std::move(op), std::move(subject), std::move(hint)).error();
}

// The library does not know that a command follows.
class Formatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: nucleus run [FLAGS] [--] COMMAND [ARG...]\n";
  }
};

}  // namespace

Result<RunFlags> parse_run_flags(int argc, const char* const* argv) {
  RunFlags flags;
  bool with_init = false;
  bool without_init = false;
  bool remove = false;
  CLI::App app("Runs COMMAND in a new, isolated container and waits for its end.", "nucleus run");
  app.prefix_command();
  app.footer(kFooter);
  bind_flags(app, flags, with_init, without_init, remove);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    app.formatter(std::make_shared<Formatter>());
    flags.help = app.help();
    return flags;
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage("understand the flags of", "nucleus run",
                                 std::string(error.what()) + "; see nucleus run --help"));
  }
  std::vector<std::string> rest = app.remaining();
  // What follows our flags is the command, unchanged; a flag that we do not know is none.
  const bool separated = !rest.empty() && rest.front() == "--";
  if (separated) rest.erase(rest.begin());
  if (!separated && !rest.empty() && rest.front().size() > 1 && rest.front().front() == '-') {
    const int at = argc - static_cast<int>(rest.size()) - 1;
    if (at < 1 || std::string_view(argv[at]) != "--") {
      std::vector<std::string> known;
      for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
      }
      const std::string hint = hint_for(rest.front(), known);
      return std::unexpected(
          usage("understand the flag", rest.front(),
                hint.empty()
                    ? "nucleus run has none of that name: see nucleus run --help; a command that "
                      "begins with '-' comes after --"
                    : "nucleus run has none of that name; " + hint));
    }
  }
  if (with_init && without_init) {
    return std::unexpected(usage("take both", "--init and --no-init", "give one of them"));
  }
  if (with_init || without_init) flags.draft.init = with_init;
  flags.draft.argv = std::move(rest);
  if (!flags.state_root) {
    if (const char* const root = std::getenv("NUCLEUS_STATE_DIR"); root != nullptr && *root != '\0')
      flags.state_root = root;
  }
  return flags;
}

}  // namespace nucleus::cli
