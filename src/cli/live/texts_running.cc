// The words of the verbs about containers that run: pause, resume, update, stats, top.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr const char* kLimits = "Limits";

constexpr OptionText kRootOnly[] = {kRoot};

constexpr OptionText kUpdateOptions[] = {
    {.name = "memory",
     .letter = 'm',
     .form = "SIZE|unlimited",
     .group = kLimits,
     .help = "memory limit: 64M, 2G; unlimited (or -1) takes it away, that of swap too"},
    {.name = "memory-swap", .form = "SIZE", .group = kLimits, .help = "memory and swap together"},
    {.name = "memory-reservation",
     .form = "SIZE",
     .group = kLimits,
     .help = "memory to be left to it when the host runs short"},
    {.name = "cpus",
     .form = "NUMBER",
     .group = kLimits,
     .help = "processors' worth of time: 0.5, 2"},
    {.name = "cpu-weight", .form = "1-10000", .group = kLimits, .help = "share of busy processors"},
    {.name = "cpuset-cpus",
     .form = "LIST",
     .group = kLimits,
     .help = "processors to run on: 0-1,3; only where it was started with such a list"},
    {.name = "pids", .form = "N|max", .group = kLimits, .help = "most processes and threads"},
    {.name = "io-limit",
     .form = "'MAJOR:MINOR KEY=N...'",
     .group = kLimits,
     .help = "a block device's rbps, wbps, riops or wiops a second"},
    {.name = "restart",
     .form = "POLICY",
     .group = kFlags,
     .help = "start it again: no, on-failure[:TIMES], always, unless-stopped",
     .values = "no|on-failure|always|unless-stopped"},
    kRoot};

constexpr OptionText kStatsOptions[] = {
    {.name = "no-stream", .group = kFlags, .help = "print once, and end"},
    {.name = "json", .group = kFlags, .help = "a list of objects, on a line each time"},
    {.name = "format",
     .form = "TEXT",
     .group = kFlags,
     .help = "one line each, {name} and the like replaced; {{.Name}} is taken as well"},
    kRoot};

constexpr OptionText kTopOptions[] = {
    {.name = "json", .group = kFlags, .help = "a list of objects with all that is known"}, kRoot};

constexpr Example kPauseExamples[] = {{.line = "nucleus pause web db", .about = ""}};
constexpr Example kResumeExamples[] = {{.line = "nucleus resume web db", .about = ""}};
constexpr Example kUpdateExamples[] = {
    {.line = "nucleus update --memory 512M --cpus 1.5 web", .about = ""},
    {.line = "nucleus update --memory unlimited web", .about = ""},
    {.line = "nucleus update --restart on-failure:3 web db", .about = ""},
};
constexpr Example kStatsExamples[] = {
    {.line = "nucleus stats", .about = ""},
    {.line = "nucleus stats --no-stream --format '{name} {cpu_percent}' web", .about = ""},
};
constexpr Example kTopExamples[] = {
    {.line = "nucleus top web", .about = ""},
    {.line = "nucleus top web pid,user,args", .about = ""},
};

}  // namespace

const VerbText kPauseText = {
    .name = "pause",
    .summary = "let containers stand still",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Freezes every process of the container, by its cgroup, and comes back when all stand "
        "still. They cannot see it; time goes on for them, and --timeout too. nucleus stop and "
        "kill "
        "let it go on first.",
    .options = kRootOnly,
    .examples = kPauseExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kResumeText = {
    .name = "resume",
    .summary = "let paused containers go on",
    .usage = "[FLAGS] CONTAINER...",
    .description = "Lets what nucleus pause stopped go on.",
    .options = kRootOnly,
    .examples = kResumeExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kUpdateText = {
    .name = "update",
    .summary = "give containers other limits",
    .usage = "[FLAGS] CONTAINER...",
    .description =
        "Changes limits of a container while it runs, and in its record, so that they hold after a "
        "restart too. What is not named stays. All of it is done, or nothing. A memory limit that "
        "is below what is in use is refused.",
    .options = kUpdateOptions,
    .examples = kUpdateExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kStatsText = {
    .name = "stats",
    .summary = "show what containers use",
    .usage = "[FLAGS] [CONTAINER...]",
    .description =
        "Shows processor time (100% is one processor), memory without droppable page cache, swap, "
        "processes and bytes of block devices, read from the cgroups; all that run when none is "
        "named. A second passes between two looks. PRESSURE is how many percent of the last ten "
        "seconds something in it waited for processors, memory and devices.",
    .options = kStatsOptions,
    .examples = kStatsExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kTopText = {
    .name = "top",
    .summary = "list the processes of a container",
    .usage = "[FLAGS] CONTAINER [COLUMN...]",
    .description =
        "Lists the processes with their numbers on the host (HPID) and inside (PID). The columns "
        "are hpid, pid, ppid, user, uid, huid, state, rss, time, comm and args, separated by "
        "spaces or commas.",
    .options = kTopOptions,
    .examples = kTopExamples,
    .words = "@containers",
};

}  // namespace nucleus::cli
