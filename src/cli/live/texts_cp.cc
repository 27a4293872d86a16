// The words of nucleus cp.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr OptionText kOptions[] = {
    {.name = "archive",
     .letter = 'a',
     .group = kFlags,
     .help = "keep owners, by number as the container counts; otherwise files belong to you, or to "
             "the container's root"},
    {.name = "follow-link",
     .letter = 'L',
     .group = kFlags,
     .help = "of a source that is a symbolic link, copy what it points to"},
    {.name = "quiet", .letter = 'q', .group = kFlags, .help = "do not name what was left out"},
    kRoot,
};

constexpr Example kExamples[] = {
    {.line = "nucleus cp web:/var/log ./logs", .about = ""},
    {.line = "nucleus cp site/. web:/srv", .about = ""},
    {.line = "nucleus cp web:/etc - | tar tv", .about = ""},
};

}  // namespace

const VerbText kCpText = {
    .name = "cp",
    .summary = "copy files between a running container and the host",
    .usage = "[FLAGS] CONTAINER:PATH HOST|- or HOST|- CONTAINER:PATH",
    .description =
        "Copies a file, a link or a directory. '-' is a tar stream on standard output or input. "
        "Into a directory that is there the source goes under its own name, 'DIR/.' stands for "
        "what is in it, and a new name is taken as it is. A path of the host with a ':' is written "
        "with a '/' before it. Sockets, FIFOs, devices, and what is in /proc and /sys are left "
        "out; no link is followed below the source or the destination; set-id bits do not come "
        "out of a container.",
    .options = kOptions,
    .examples = kExamples,
    .words = "@containers",
};

}  // namespace nucleus::cli
