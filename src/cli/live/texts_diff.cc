// The words of nucleus diff.
#include "cli/shared_texts.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using config::Example;
using config::OptionText;
using config::VerbText;

constexpr OptionText kOptions[] = {
    kRoot,
};

constexpr Example kExamples[] = {{.line = "nucleus diff web", .about = ""}};

}  // namespace

const VerbText kDiffText = {
    .name = "diff",
    .summary = "list what a container has changed of its --rootfs",
    .usage = "[FLAGS] CONTAINER",
    .description =
        "Compares the private layer of a running container with the directory of its --rootfs: A "
        "is added, C changed, D deleted. What is mounted into it (volumes, /proc, /dev, ...) is "
        "left out, and so are the names that nucleus writes to /etc. A container without "
        "--rootfs has a root that nothing can be changed of.",
    .options = kOptions,
    .examples = kExamples,
    .words = "@containers",
};

}  // namespace nucleus::cli
