// The words of nucleus attach.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr OptionText kOptions[] = {
    {.name = "detach-keys",
     .form = "KEYS",
     .group = kFlags,
     .help = "what to type to leave the container as it is; '' for nothing",
     .initial = "ctrl-p,ctrl-q"},
    {.name = "no-stdin", .group = kFlags, .help = "only look on: standard input is left alone"},
    {.name = "sig-proxy",
     .group = kFlags,
     .help = "without a terminal: hand signals on to the command; =false ends nucleus attach",
     .initial = "true"},
    kRoot,
};

constexpr Example kExamples[] = {
    {.line = "nucleus attach web", .about = ""},
    {.line = "nucleus attach --no-stdin web", .about = ""},
    {.line = "nucleus attach web -- bash", .about = ""},
};

}  // namespace

const VerbText kAttachText = {
    .name = "attach",
    .summary = "be in front of a container that was started with --detach",
    .usage = "[FLAGS] CONTAINER [-- COMMAND [ARG...]]",
    .description =
        "Shows what the container writes from now on, and passes on what is typed when it was "
        "started with --interactive. A terminal comes back as it was left: its last screenful is "
        "shown again, and its size is that of the window that came last. Any number may look on; "
        "one may type. With a command this is nucleus exec, with -it where a terminal is in "
        "front.",
    .options = kOptions,
    .examples = kExamples,
    .closing =
        "The exit code is the container's; 0 after the detach keys; 128 + N when signal N ended "
        "nucleus attach; 125 nucleus failed.",
    .words = "@containers",
};

}  // namespace nucleus::cli
