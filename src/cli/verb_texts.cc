// The words of every verb. The flags of `run` are in config/run_options.cc.
#include "cli/shared_texts.h"
#include "cli/verb.h"
#include "config/run_options.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr Example kRunExamples[] = {
    {.line = "nucleus run -- python3 -c 'print(6 * 7)'", .about = "a program, isolated"},
    {.line = "nucleus run --context . --memory 512M --pids 64 --timeout 30 -- make test",
     .about = "on a copy of this directory, within limits"},
    {.line =
         "nucleus run -v /srv/data:/data -v \"$PWD/out\":/out:rw -- sort /data/in -o /out/sorted",
     .about = "with files of the host"},
    {.line = "nucleus run -it -- bash", .about = "a shell in a terminal of its own"},
    {.line = "nucleus run --json --timeout 5 -- sh -c 'exit 3'",
     .about = "with an object about the end"},
    {.line = "nucleus run --dry-run --memory 64M -- true",
     .about = "what would be done, and nothing else"},
};

constexpr OptionText kPruneOptions[] = {
    kRoot,
};

constexpr OptionText kDoctorOptions[] = {
    {.name = "json", .group = "Flags", .help = "print one object (docs/doctor.md)"},
    {.name = "fix",
     .group = "Flags",
     .help = "run the commands that are safe and can be taken back, each printed before; most need "
             "root"},
    kRoot,
};

constexpr Example kDoctorExamples[] = {
    {.line = "nucleus doctor", .about = ""},
    {.line = "nucleus doctor --json", .about = ""},
    {.line = "sudo nucleus doctor --fix", .about = ""},
};

constexpr Example kPruneExamples[] = {{.line = "nucleus prune", .about = ""}};

constexpr OptionText kVolumeOptions[] = {
    {.name = "json", .group = "Flags", .help = "ls: print objects, one a line"},
    {.name = "quiet", .letter = 'q', .group = "Flags", .help = "ls: print the names alone"},
    {.name = "force",
     .letter = 'f',
     .group = "Flags",
     .help = "prune: remove them, instead of only saying which"},
};

constexpr Example kVolumeExamples[] = {
    {.line = "nucleus run -v cache:/cache -- sh -c 'date >> /cache/log'",
     .about = "makes the volume when it is not there"},
    {.line = "nucleus volume ls", .about = ""},
    {.line = "nucleus volume rm cache", .about = ""},
};

constexpr Example kCompletionExamples[] = {
    {.line = "nucleus completion bash > /etc/bash_completion.d/nucleus", .about = "for everybody"},
    {.line = "source <(nucleus completion bash)", .about = "for this shell"},
    {.line = "nucleus completion fish > ~/.config/fish/completions/nucleus.fish", .about = ""},
};

}  // namespace

const VerbText kRunText = {
    .name = "run",
    .summary = "run a command in a new container and wait for its end",
    .usage = "[FLAGS] [--] COMMAND [ARG...]",
    .description =
        "Runs COMMAND in a new, isolated container and waits for its end. The first word that is "
        "no flag "
        "begins the command; everything behind it belongs to it.",
    .options = config::run_option_texts(),
    .examples = kRunExamples,
    .closing =
        "The exit code is the command's; 128 + N when signal N ended it; 2 the command line is "
        "wrong; "
        "125 nucleus failed; 126 the command cannot be executed; 127 it was not found.",
    .takes_command = true,
};

const VerbText kDoctorText = {
    .name = "doctor",
    .summary = "find out what this host allows, and what mends what it does not",
    .usage = "[FLAGS]",
    .description =
        "Finds out what this host lets you isolate, by trying it, and says what mends "
        "what it does not.",
    .options = kDoctorOptions,
    .examples = kDoctorExamples,
    .closing =
        "The exit code is 0 when containers of some level can run, 1 when none can, 2 when "
        "the command line is wrong.",
};

const VerbText kPruneText = {
    .name = "prune",
    .summary = "clear away what killed containers have left",
    .usage = "[FLAGS]",
    .description =
        "Clears away what containers have left whose nucleus was killed: their records, names and "
        "cgroups. "
        "Every start clears away some of it already; running containers are left alone.",
    .options = kPruneOptions,
    .examples = kPruneExamples,
};

const VerbText kVolumeText = {
    .name = "volume",
    .summary = "list, make and remove named volumes",
    .usage = "[FLAGS] ls | create NAME... | inspect NAME... | rm NAME... | prune",
    .description =
        "A named volume is a directory that nucleus keeps for -v NAME:/path and --mount "
        "type=volume: "
        "it outlives containers and reboots. ls lists those of the caller; inspect tells all about "
        "one; rm removes; prune removes every one that no container uses.",
    .options = kVolumeOptions,
    .examples = kVolumeExamples,
    .closing =
        "They are in $NUCLEUS_DATA_DIR/volumes; /var/lib/nucleus/volumes for root; "
        "$XDG_DATA_HOME/nucleus/volumes or ~/.local/share/nucleus/volumes.",
    .words = "ls|create|inspect|rm|prune",
};

const VerbText kCompletionText = {
    .name = "completion",
    .summary = "print the completions for a shell",
    .usage = "bash|zsh|fish",
    .description = "Prints a script that makes the shell complete verbs, flags and their values.",
    .options = {},
    .examples = kCompletionExamples,
    .words = "bash|zsh|fish",
};

}  // namespace nucleus::cli
