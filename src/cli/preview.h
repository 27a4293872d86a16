// What `--dry-run` and `--explain` print.
#pragma once

#include "config/settings.h"
#include "container/run.h"
#include "spec/container_spec.h"

namespace nucleus::cli {

/// The plan of a start, on standard output; the exit code.
int show_plan(const spec::ContainerSpec& spec, const container::RunOptions& options, bool json);

/// Every setting with where it comes from; the exit code.
int show_settings(const config::Settings& settings, const spec::ContainerSpec& spec, bool json);

}  // namespace nucleus::cli
