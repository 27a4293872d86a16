// The words of `nucleus events`.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

constexpr config::OptionText kOptions[] = {
    {.name = "follow", .letter = 'f', .group = kFlags, .help = "go on with what comes"},
    {.name = "since",
     .form = "TIME",
     .group = kFlags,
     .help = "only what is younger: 10m, 2026-11-25T10:00:00Z, or seconds since the epoch"},
    {.name = "until",
     .form = "TIME",
     .group = kFlags,
     .help = "only what is older; --follow ends then"},
    {.name = "json", .group = kFlags, .help = "one object a line"},
    {.name = "filter",
     .form = "KEY=VALUE",
     .group = kFlags,
     .help = "only this event=NAME, container=NAME (or id); several of one key are alternatives"},
    kRoot};

constexpr config::Example kExamples[] = {
    {.line = "nucleus events --since 1h", .about = ""},
    {.line = "nucleus events --follow --json --filter event=die --filter event=oom", .about = ""},
    {.line = "nucleus events --filter container=web", .about = ""},
};

}  // namespace

const config::VerbText kEventsText = {
    .name = "events",
    .summary = "print what has happened to containers",
    .usage = "[FLAGS]",
    .description =
        "Prints what has happened to the containers that live on their own (run --detach, create), "
        "oldest first: create, start, die, oom, stop, kill, pause, resume, restart, health_status, "
        "exec_start, exec_die, rename, remove.",
    .options = kOptions,
    .examples = kExamples,
    .closing = "The last 2 to 3 MiB are kept, in events.jsonl of the state root.",
};

}  // namespace nucleus::cli
