#include "measure.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "process.h"
#include "stop.h"

namespace nucleus::bench {
namespace {

constexpr int kMemoryRuns = 5;

Burst run_burst(const Contender& item, int starts, int jobs) {
  Burst burst{.name = item.name, .starts = starts, .jobs = jobs};
  InFlight running;
  const Become ids(item.command.user());
  const std::int64_t begin = now();
  for (int started = 0; started < starts || running.size() > 0;) {
    check_stop();
    ::alarm(kHangSeconds);
    if (started < starts && running.size() < jobs) {
      running.add(item.command.spawn());
      ++started;
    } else if (running.take() != 0) {
      ++burst.failures;
    }
  }
  ::alarm(0);
  burst.seconds = static_cast<double>(now() - begin) / 1e9;
  return burst;
}

long peak_of(pid_t pid) {
  rusage usage{};
  int status = 0;
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) fail("wait4");
    end_process(pid);
    check_stop();
    return 0;
  }
  return usage.ru_maxrss;
}

}  // namespace

void run_rounds(const std::vector<Contender*>& contenders, int rounds) {
  const std::size_t count = contenders.size();
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t step = 0; step < count; ++step) {
      check_stop();
      const std::size_t turned = (step + static_cast<std::size_t>(round)) % count;
      Contender& item = *contenders[round % 2 == 0 ? turned : count - 1 - turned];
      const Call call = timed(item.command);
      reap_orphans();
      if (call.status == 0) {
        item.times.push_back(call.milliseconds);
      } else {
        ++item.failures;
      }
    }
  }
}

std::vector<Burst> run_bursts(const std::vector<Contender*>& contenders, int jobs) {
  std::vector<Burst> bursts;
  std::printf("\n| burst, %d in flight | starts | seconds | starts/s | failed |\n", jobs);
  std::printf("|:-------------------|-------:|--------:|---------:|-------:|\n");
  for (const int starts : {100, 1000}) {
    for (const Contender* item : contenders) {
      if (item->name != "nucleus" && item->name != "floor" && item->name != "bwrap") continue;
      const Burst burst = run_burst(*item, starts, jobs);
      std::printf("| %-18s | %6d | %7.2f | %8.1f | %6d |\n", burst.name.c_str(), burst.starts,
                  burst.seconds, burst.rate(), burst.failures);
      std::fflush(stdout);
      bursts.push_back(burst);
    }
  }
  return bursts;
}

std::vector<Memory> measure_memory(const std::vector<Contender*>& contenders) {
  std::vector<Memory> list;
  const pid_t nothing = ::fork();
  if (nothing < 0) fail("fork");
  if (nothing == 0) ::_exit(0);
  list.push_back({"(a fork that exits: less is not seen)", peak_of(nothing)});
  for (const Contender* item : contenders) {
    const bool wanted = item->name.starts_with("nucleus") || item->name == "version" ||
                        item->name == "true" || item->name == "floor" || item->name == "bwrap";
    if (!wanted) continue;
    Memory memory{.name = item->name};
    for (int run = 0; run < kMemoryRuns; ++run) {
      check_stop();
      ::alarm(kHangSeconds);
      const Become ids(item->command.user());
      const pid_t pid = item->command.fork_exec();
      if (pid < 0) fail("fork");
      memory.kilobytes = std::max(memory.kilobytes, peak_of(pid));
    }
    ::alarm(0);
    list.push_back(memory);
  }
  std::printf("\n| peak RSS, largest of %d runs            |    KiB |\n", kMemoryRuns);
  std::printf("|:---------------------------------------|-------:|\n");
  for (const Memory& memory : list)
    std::printf("| %-38s | %6ld |\n", memory.name.c_str(), memory.kilobytes);
  return list;
}

}  // namespace nucleus::bench
