#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;

constexpr OptionText kCheckpointOptions[] = {
    {.name = "check",
     .group = kFlags,
     .help = "say what keeps a running container from being checkpointed; nothing is done to it"},
    {.name = "json", .group = kFlags, .help = "verify, criu, --check: an object, good or not"},
    {.name = "criu",
     .form = "PATH",
     .group = kFlags,
     .help = "another CRIU than the one that is installed",
     .values = "FILE"},
    kRoot,
};

constexpr Example kCheckpointExamples[] = {
    {.line = "nucleus checkpoint key init", .about = ""},
    {.line = "nucleus checkpoint verify /srv/checkpoints/web", .about = ""},
    {.line = "nucleus checkpoint criu --json", .about = ""},
    {.line = "nucleus checkpoint --check web", .about = ""},
};

}  // namespace

const config::VerbText kCheckpointText = {
    .name = "checkpoint",
    .summary = "prove that a checkpoint is as it was sealed, and keep the key of it",
    .usage = "[FLAGS] verify DIR | key init | key rotate | criu | --check CONTAINER",
    .description =
        "A checkpoint is sealed with a keyed hash (HMAC-SHA-256) over all of its files. verify "
        "computes it again, and names what keeps it from being trusted: another content, a "
        "symbolic link, a file that others may write to. It never makes a key. key init makes "
        "one, key rotate puts another in its place; checkpoints of before are verified with the "
        "one that is kept. criu tells which CRIU would be used, whether it works on this kernel, "
        "and "
        "what it can do here.",
    .options = kCheckpointOptions,
    .examples = kCheckpointExamples,
    .closing =
        "The key is in $NUCLEUS_CHECKPOINT_HMAC_KEY_FILE; else in "
        "/var/lib/nucleus/checkpoint-hmac.key for root, and in "
        "$XDG_DATA_HOME/nucleus/checkpoint-hmac.key or "
        "~/.local/share/nucleus/checkpoint-hmac.key for others. The exit code of verify is 0 when "
        "all is well, 1 when the checkpoint is not to be trusted, 2 when there is none, 125 when "
        "there is no key. That of criu is 0 when it can be used, 1 when it is there and of no use, "
        "2 "
        "when there is none, or none that is trusted. That of --check is 0 when nothing is in "
        "the way, and 1 when something is.",
};

}  // namespace nucleus::cli
