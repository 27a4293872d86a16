// The words of the verbs about living containers.
#include "cli/shared_texts.h"
#include "cli/verb.h"
#include "config/run_options.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr OptionText kStopSignal = {.name = "signal",
                                    .letter = 's',
                                    .form = "SIGNAL",
                                    .group = kFlags,
                                    .help = "what is sent",
                                    .initial = "what --stop-signal said, or TERM"};

constexpr OptionText kTime = {.name = "time",
                              .letter = 't',
                              .form = "TIME",
                              .group = kFlags,
                              .help = "how long to wait before it is killed; 0: not at all",
                              .initial = "what --stop-timeout said, or 10s"};

constexpr OptionText kFormat = {
    .name = "format",
    .form = "TEXT",
    .group = kFlags,
    .help = "one line each, {name} and the like replaced; {{.Name}} is taken as well"};

constexpr OptionText kRootOnly[] = {kRoot};
constexpr OptionText kStopOptions[] = {kStopSignal, kTime, kRoot};
constexpr OptionText kKillOptions[] = {{.name = "signal",
                                        .letter = 's',
                                        .form = "SIGNAL",
                                        .group = kFlags,
                                        .help = "what is sent to the workload",
                                        .initial = "KILL, which ends the whole container"},
                                       {.name = "all",
                                        .letter = 'a',
                                        .group = kFlags,
                                        .help = "to every process of the container, those of "
                                                "nucleus exec too"},
                                       kRoot};
constexpr OptionText kRmOptions[] = {kForce, kVolumes, kRoot};
constexpr OptionText kPsOptions[] = {
    {.name = "all", .letter = 'a', .group = kFlags, .help = "those that have ended as well"},
    {.name = "filter",
     .letter = 'f',
     .form = "KEY=VALUE",
     .group = kFlags,
     .help = "only those with this status, name, id or label"},
    {.name = "quiet", .letter = 'q', .group = kFlags, .help = "only the ids"},
    {.name = "json", .group = kFlags, .help = "a list of objects"},
    kFormat,
    {.name = "no-trunc", .group = kFlags, .help = "whole ids and commands"},
    kRoot};
constexpr OptionText kInspectOptions[] = {kFormat, kRoot};
constexpr OptionText kLogsOptions[] = {
    {.name = "follow",
     .letter = 'f',
     .group = kFlags,
     .help = "go on with what comes, until it ends"},
    {.name = "tail",
     .letter = 'n',
     .form = "N|all",
     .group = kFlags,
     .help = "only the last lines",
     .initial = "all"},
    {.name = "since",
     .form = "TIME",
     .group = kFlags,
     .help = "only what is younger: 10m, 2026-11-25T10:00:00Z, or seconds since the epoch"},
    {.name = "until", .form = "TIME", .group = kFlags, .help = "only what is older"},
    {.name = "timestamps", .letter = 't', .group = kFlags, .help = "the time before each line"},
    {.name = "stream",
     .form = "stdout|stderr",
     .group = kFlags,
     .help = "only one of the two",
     .initial = "both, each on its own",
     .values = "stdout|stderr"},
    kRoot};

constexpr OptionText kExecOptions[] = {
    {.name = "interactive",
     .letter = 'i',
     .group = kFlags,
     .help = "with --tty: pass standard input on (without --tty it always is)"},
    {.name = "tty",
     .letter = 't',
     .group = kFlags,
     .help = "give it a terminal of the container's"},
    {.name = "env",
     .letter = 'e',
     .form = "KEY=VALUE",
     .group = kFlags,
     .help = "environment variable, over the container's own"},
    {.name = "workdir",
     .letter = 'w',
     .form = "DIR",
     .group = kFlags,
     .help = "working directory inside",
     .initial = "the container's"},
    {.name = "user",
     .letter = 'u',
     .form = "USER[:GROUP]",
     .group = kFlags,
     .help = "who it is inside, by number or by name in the container's /etc/passwd",
     .initial = "the container's"},
    {.name = "timeout",
     .form = "TIME",
     .group = kFlags,
     .help = "kill it, and all that came of it, after this time"},
    {.name = "detach",
     .letter = 'd',
     .group = kFlags,
     .help = "come back when it runs; its output goes nowhere"},
    kRoot};

constexpr Example kCreateExamples[] = {
    {.line = "nucleus create --name web -- python3 -m http.server 8080", .about = ""},
};
constexpr Example kStartExamples[] = {{.line = "nucleus start web", .about = ""}};
constexpr Example kStopExamples[] = {
    {.line = "nucleus stop web db", .about = ""},
    {.line = "nucleus stop --time 1m --signal INT web", .about = ""},
};
constexpr Example kRestartExamples[] = {
    {.line = "nucleus restart web", .about = ""},
    {.line = "nucleus restart --time 1s web db", .about = ""},
};
constexpr Example kKillExamples[] = {
    {.line = "nucleus kill web", .about = ""},
    {.line = "nucleus kill --signal HUP web", .about = ""},
    {.line = "nucleus kill --all --signal TERM web", .about = ""},
};
constexpr Example kRmExamples[] = {
    {.line = "nucleus rm --force web", .about = ""},
    {.line = "nucleus rm --volumes web", .about = ""},
};
constexpr Example kWaitExamples[] = {{.line = "nucleus wait web", .about = ""}};
constexpr Example kRenameExamples[] = {{.line = "nucleus rename web www", .about = ""}};
constexpr Example kExecExamples[] = {
    {.line = "nucleus exec web ls -l", .about = ""},
    {.line = "nucleus exec -it web bash", .about = ""},
    {.line = "nucleus exec --timeout 5 -u 1000 -w /tmp web sh -c 'id; pwd'", .about = ""},
};
constexpr Example kPsExamples[] = {
    {.line = "nucleus ps --all", .about = ""},
    {.line = "nucleus ps --filter label=tier=front --format '{id} {status}'", .about = ""},
};
constexpr Example kInspectExamples[] = {
    {.line = "nucleus inspect web", .about = ""},
    {.line = "nucleus inspect --format '{ending.code}' web", .about = ""},
};
constexpr Example kLogsExamples[] = {
    {.line = "nucleus logs --follow --tail 10 web", .about = ""},
    {.line = "nucleus logs --since 10m --stream stderr web", .about = ""},
};

}  // namespace

const VerbText kCreateText = {
    .name = "create",
    .summary = "make a container that nucleus start lets go",
    .usage = "[FLAGS] [--] COMMAND [ARG...]",
    .description =
        "Sets up a container with everything that run --detach does, stops before its command, and "
        "prints "
        "its id. nucleus start lets it go.",
    .options = config::run_option_texts(),
    .examples = kCreateExamples,
    .takes_command = true,
};
const VerbText kStartText = {
    .name = "start",
    .summary = "start containers that were created, or have ended",
    .usage = "[FLAGS] CONTAINER...",
    .description = "Lets created containers go, and starts ended ones again.",
    .options = kRootOnly,
    .examples = kStartExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kStopText = {
    .name = "stop",
    .summary = "end containers: a signal, and after a while the end",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Sends a signal to the command, waits, and kills the whole container when it does not end "
        "in time. "
        "Comes back when it has ended. One that has ended already is no error.",
    .options = kStopOptions,
    .examples = kStopExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kRestartText = {
    .name = "restart",
    .summary = "end containers as stop does, and start them again",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Ends each as nucleus stop does and starts it again under the same supervisor, whatever "
        "--restart says; one made with --rm stays. Comes back when it runs, or is ready. One that "
        "has ended already is started.",
    .options = kStopOptions,
    .examples = kRestartExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kKillText = {
    .name = "kill",
    .summary = "send a signal to containers",
    .usage = "[FLAGS] CONTAINER...",
    .description = "Sends a signal to the command. KILL ends the whole container at once.",
    .options = kKillOptions,
    .examples = kKillExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kRmText = {
    .name = "rm",
    .summary = "remove containers that have ended",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Removes the record, the log and the name. Named volumes stay, unless --volumes is given.",
    .options = kRmOptions,
    .examples = kRmExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kWaitText = {
    .name = "wait",
    .summary = "wait for the end of containers and print their exit codes",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Waits until each has ended for good (a restart is no end) and prints its exit code.",
    .options = kRootOnly,
    .examples = kWaitExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kRenameText = {
    .name = "rename",
    .summary = "give a container another name",
    .usage = "[FLAGS] CONTAINER NAME",
    .description = "Gives a container another name, also while it runs. Its host name stays.",
    .options = kRootOnly,
    .examples = kRenameExamples,
    .words = "@containers",
};
const VerbText kExecText = {
    .name = "exec",
    .summary = "run a further command in a container",
    .usage = "[FLAGS] CONTAINER COMMAND [ARG...]",
    .description =
        "Runs a command in a running container: in all its namespaces, its cgroup and its root, "
        "with its "
        "limits, no capability that it has not, and under the same Landlock and seccomp rules. "
        "When nucleus "
        "exec is killed, the command and all that came of it are killed, and nothing else.",
    .options = kExecOptions,
    .examples = kExecExamples,
    .closing =
        "The exit code is the command's; 128 + N when signal N ended it; 124 by --timeout; 125 "
        "nucleus failed; "
        "126 the command cannot be executed; 127 it was not found.",
    .takes_command = true,
};
const VerbText kPsText = {
    .name = "ps",
    .summary = "list containers",
    .usage = "[FLAGS]",
    .description =
        "Lists the containers that run. \"lost\" is one whose supervisor was killed, or that was "
        "there "
        "before a reboot: start it again, or remove it.",
    .options = kPsOptions,
    .examples = kPsExamples,
};
const VerbText kInspectText = {
    .name = "inspect",
    .summary = "print all that is known of containers, as JSON",
    .usage = "[FLAGS] CONTAINER...",
    .description = "Prints a list with one object for each. docs/containers.md has its members.",
    .options = kInspectOptions,
    .examples = kInspectExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kLogsText = {
    .name = "logs",
    .summary = "print what a container has written",
    .usage = "[FLAGS] CONTAINER",
    .description =
        "Prints what its command has written to standard output and standard error, each to its "
        "own.",
    .options = kLogsOptions,
    .examples = kLogsExamples,
    .words = "@containers",
};

}  // namespace nucleus::cli
