#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;

constexpr OptionText kAuditOptions[] = {
    {.name = "file",
     .form = "FILE",
     .group = "Flags",
     .help = "the log; otherwise $NUCLEUS_AUDIT_LOG, or the usual place",
     .values = "FILE"},
    {.name = "head",
     .form = "NUMBER:HASH",
     .group = "Flags",
     .help = "verify: what an earlier verify printed, kept elsewhere: shows a cut end as well"},
    {.name = "since",
     .form = "TIME",
     .group = "Flags",
     .help = "show: RFC 3339, or how long ago: 10m"},
    {.name = "until", .form = "TIME", .group = "Flags", .help = "show: the same"},
    {.name = "filter",
     .form = "KEY=VALUE",
     .group = "Flags",
     .help = "show: event, id, name, result or uid; several of one key are either"},
    {.name = "follow", .letter = 'f', .group = "Flags", .help = "show: go on with what comes"},
    {.name = "json", .group = "Flags", .help = "show: the lines as they are; verify: an object"},
};

constexpr Example kAuditExamples[] = {
    {.line = "nucleus audit show --since 1h --filter result=error", .about = ""},
    {.line = "nucleus audit verify", .about = ""},
};

constexpr Example kAttestExamples[] = {{.line = "nucleus attest /srv/web", .about = ""}};

}  // namespace

const config::VerbText kAttestText = {
    .name = "attest",
    .summary = "print the digest of a root file system, for --rootfs-sha256",
    .usage = "DIR",
    .description =
        "Prints one SHA-256 over all that is in DIR: names, types, modes, owners, contents, what "
        "links "
        "say. A container that is started with it as --rootfs-sha256 starts from this tree only.",
    .options = {},
    .examples = kAttestExamples,
};

const config::VerbText kAuditText = {
    .name = "audit",
    .summary = "show the audit log, or prove that it is as it was written",
    .usage = "[FLAGS] show | verify",
    .description =
        "Containers that are started with --audit-log append to it what is done to them. Each line "
        "has the hash of the one before it: verify follows this chain, and names the first line "
        "that "
        "was changed, removed or moved.",
    .options = kAuditOptions,
    .examples = kAuditExamples,
    .closing =
        "The usual place is /var/log/nucleus/audit.jsonl for root; "
        "$XDG_STATE_HOME/nucleus/audit.jsonl or ~/.local/state/nucleus/audit.jsonl for others. The "
        "exit code of verify is 0 when all is well, 1 when a line is not as it was written, 2 when "
        "the file cannot be read.",
};

}  // namespace nucleus::cli
