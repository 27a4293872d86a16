// The words of the verbs that others' tools know: state, delete, port.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr OptionText kStateOptions[] = {
    {.name = "all",
     .letter = 'a',
     .group = kFlags,
     .help = "without a container: those that have ended as well"},
    kRoot};
constexpr OptionText kDeleteOptions[] = {kForce, kVolumes, kRoot};
constexpr OptionText kPortOptions[] = {{.name = "json", .group = kFlags, .help = "a list"}, kRoot};

constexpr Example kStateExamples[] = {{.line = "nucleus state web", .about = ""}};
constexpr Example kDeleteExamples[] = {{.line = "nucleus delete --force web", .about = ""}};
constexpr Example kPortExamples[] = {{.line = "nucleus port web", .about = ""}};

}  // namespace

const VerbText kStateText = {
    .name = "state",
    .summary = "print the state of a container, as the OCI has it",
    .usage = "[FLAGS] [CONTAINER]",
    .description =
        "Prints one object of the OCI runtime-spec: ociVersion, id, status (creating, created, "
        "running, paused, stopped), pid (0 when it has ended), bundle (the directory of its "
        "record) and annotations (its labels). Without a container this is nucleus ps.",
    .options = kStateOptions,
    .examples = kStateExamples,
    .words = "@containers",
};
const VerbText kDeleteText = {
    .name = "delete",
    .summary = "remove containers that have ended, as nucleus rm",
    .usage = "[FLAGS] CONTAINER...",
    .description = "The same as nucleus rm, by the name that the OCI's runtimes give it.",
    .options = kDeleteOptions,
    .examples = kDeleteExamples,
    .closing = kManyContainers,
    .words = "@containers",
};
const VerbText kPortText = {
    .name = "port",
    .summary = "list the published ports of a container",
    .usage = "[FLAGS] CONTAINER [PORT[/PROTOCOL]]",
    .description =
        "Lists which ports of a container are published on the host. There are none yet: a "
        "container has no network, or the host's. It says which; asked for one port, that is an "
        "error.",
    .options = kPortOptions,
    .examples = kPortExamples,
    .words = "@containers",
};

}  // namespace nucleus::cli
