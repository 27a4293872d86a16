// What keeping a container costs: to start it, to run something in it, to write its log.
#pragma once

#include <string>
#include <vector>

#include "runtimes.h"

namespace nucleus::bench {

/// In turns: nucleus run in the foreground, and a detached start of each runtime. Both this and
/// the next print one table of calls after some quiet and one of calls in a row.
void measure_starts(const std::vector<Runtime>& runtimes, const std::string& nucleus,
                    const std::string& directory, int rounds);

/// In turns: one exec of /bin/true in a container of each.
void measure_execs(const std::vector<Runtime>& runtimes, int rounds);

/// How many containers a second are started, and removed again, `jobs` at a time.
void measure_cycles(const std::vector<Runtime>& runtimes, int cycles, int jobs);

/// What the supervisor of a container holds, before and after `execs` execs.
void measure_supervisor(const Runtime& nucleus, const std::string& directory, int execs);

/// How fast the output of a container goes into its log.
void measure_log(const std::string& nucleus, const std::string& directory, int mebibytes);

/// How long it takes to list `count` containers, and to find one of them.
void measure_listing(const std::string& nucleus, const std::string& directory, int count,
                     int rounds);

}  // namespace nucleus::bench
