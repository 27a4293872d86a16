#include "keeping.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "figures.h"
#include "place.h"
#include "process.h"
#include "stop.h"

namespace nucleus::bench {
namespace {

namespace fs = std::filesystem;

double must(const Words& words) {
  const Command command(words, std::nullopt);
  check_stop();
  const Call call = timed(command);
  reap_orphans();
  if (call.status == 0) return call.milliseconds;
  std::string text;
  for (const std::string& word : words) text.append(word).append(" ");
  throw std::runtime_error(text + "ended with " + std::to_string(call.status));
}

struct Row {
  std::string label;
  std::vector<double> times{};
};

// The first row is what the others are compared with.
void print_rows(const std::string& title, const std::vector<Row>& rows) {
  std::printf("\n| %-34s | min ms | p50 ms | p95 ms | p99 ms | to 1st |\n", title.c_str());
  std::printf(
      "|:-----------------------------------|-------:|-------:|-------:|-------:|-------:|\n");
  const double base = summarize(rows.front().times).median;
  for (const Row& row : rows) {
    const Summary summary = summarize(row.times);
    std::printf("| %-34s | %6.2f | %6.2f | %6.2f | %6.2f | %6s |\n", row.label.c_str(), summary.min,
                summary.median, summary.p95, summary.p99, ratio(summary.median, base).c_str());
  }
  std::fflush(stdout);
}

struct Measured {
  std::string label;
  Words call;
  Words undo;  // not timed; may be empty
};

// In turns, each a few times in a row after a while of quiet. On cgroup v1 the first writer waits
// for a grace period of the kernel and those that come soon after it do not: two tables, and
// nobody profits from another's call.
void take_turns(const std::string& title, const std::vector<Measured>& all, int rounds) {
  constexpr int kInARow = 5;
  std::vector<Row> first;
  std::vector<Row> next;
  for (const Measured& one : all) {
    first.push_back({one.label});
    next.push_back({one.label});
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t at = 0; at < all.size(); ++at) {
      constexpr timespec kQuiet{.tv_sec = 0, .tv_nsec = 40'000'000};
      (void)::nanosleep(&kQuiet, nullptr);
      for (int call = 0; call < kInARow; ++call) {
        (call == 0 ? first : next)[at].times.push_back(must(all[at].call));
        if (!all[at].undo.empty()) must(all[at].undo);
      }
    }
  }
  print_rows(title + ", after 40 ms of quiet", first);
  print_rows(title + ", one after another", next);
}

struct Held {
  long pss = 0;
  long rss = 0;
  long private_dirty = 0;
  long descriptors = 0;
};

Held held_by(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Held held;
  std::ifstream lines(proc + "/smaps_rollup");
  std::string word;
  while (lines >> word) {
    if (word == "Pss:") lines >> held.pss;
    if (word == "Rss:") lines >> held.rss;
    if (word == "Private_Dirty:") lines >> held.private_dirty;
  }
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(proc + "/fd"))
    ++held.descriptors;
  return held;
}

// One of the parallel workers: its share of containers, one after the other.
int work(const std::vector<Words>& steps, int number, int cycles) {
  int failures = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const std::string id = "w" + std::to_string(number) + "-" + std::to_string(cycle);
    for (const Words& words : steps) {
      const Command command(with_name(words, id), std::nullopt);
      if (reap(command.spawn()) != 0) ++failures;
    }
  }
  return failures;
}

}  // namespace

void measure_starts(const std::vector<Runtime>& runtimes, const std::string& nucleus,
                    const std::string& directory, int rounds) {
  const std::string root = directory + "/nucleus";
  std::vector<Measured> all{
      {"nucleus run, in the foreground", {nucleus, "run", "--root", root, "--", "/bin/true"}, {}},
      // A detached container is in cgroups, to be ended and looked at: what that alone costs.
      {"... with a limit of memory",
       {nucleus, "run", "--root", root, "--memory", "64M", "--", "/bin/true"},
       {}}};
  for (const Runtime& runtime : runtimes) {
    all.push_back({runtime.label + ", detached", with_name(runtime.start, "start"),
                   with_name(runtime.remove, "start")});
  }
  take_turns("start", all, rounds);
}

void measure_execs(const std::vector<Runtime>& runtimes, int rounds) {
  std::vector<Measured> all;
  for (const Runtime& runtime : runtimes) {
    must(with_name(runtime.start, "exec"));
    all.push_back({runtime.label, with_name(runtime.exec, "exec"), {}});
  }
  take_turns("exec of /bin/true", all, rounds);
  for (const Runtime& runtime : runtimes) must(with_name(runtime.remove, "exec"));
}

void measure_cycles(const std::vector<Runtime>& runtimes, int cycles, int jobs) {
  struct Cycle {
    std::string label;
    std::vector<Words> steps;
  };
  std::vector<Cycle> all;
  for (const Runtime& runtime : runtimes)
    all.push_back({runtime.label + ", one command", {runtime.once}});
  for (const Runtime& runtime : runtimes)
    all.push_back({runtime.label + ", detached", {runtime.start, runtime.remove}});
  std::printf("\n| made, run and removed, %d at a time | cycles | seconds | a second | failed |\n",
              jobs);
  std::printf("|:-----------------------------------|-------:|--------:|---------:|-------:|\n");
  std::fflush(stdout);
  for (const Cycle& cycle : all) {
    const std::int64_t begin = now();
    InFlight workers;
    for (int number = 0; number < jobs; ++number) {
      const pid_t pid = ::fork();
      if (pid < 0) fail("fork");
      if (pid == 0) {
        try {
          ::_exit(work(cycle.steps, number, cycles / jobs) == 0 ? 0 : 1);
        } catch (...) {
          ::_exit(1);  // the parent was interrupted as well, and removes everything
        }
      }
      workers.add(pid);
    }
    int failed = 0;
    while (workers.size() > 0) failed += workers.take() == 0 ? 0 : 1;
    const double seconds = static_cast<double>(now() - begin) / 1e9;
    const int done = cycles / jobs * jobs;
    std::printf("| %-34s | %6d | %7.2f | %8.1f | %6d |\n", cycle.label.c_str(), done, seconds,
                done / seconds, failed);
    std::fflush(stdout);
    reap_orphans();
  }
}

void measure_supervisor(const Runtime& nucleus, const std::string& directory, int execs) {
  must(with_name(nucleus.start, "held"));
  const std::string text =
      output_of({nucleus.start.front(), "inspect", "--root", directory + "/nucleus", "held"});
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const pid_t supervisor =
      json.is_array() && !json.empty() ? json.front().value("supervisor", 0) : 0;
  if (supervisor <= 0) throw std::runtime_error("no supervisor in what inspect prints");
  std::printf(
      "\n| the supervisor of one container | PSS KiB | RSS KiB | private KiB | descriptors |\n");
  std::printf(
      "|:--------------------------------|--------:|--------:|------------:|------------:|\n");
  const auto print = [&](const std::string& when) {
    // What it is when nobody asks it anything.
    constexpr timespec kWhile{.tv_sec = 2, .tv_nsec = 0};
    (void)::nanosleep(&kWhile, nullptr);
    const Held held = held_by(supervisor);
    std::printf("| %-31s | %7ld | %7ld | %11ld | %11ld |\n", when.c_str(), held.pss, held.rss,
                held.private_dirty, held.descriptors);
    std::fflush(stdout);
  };
  print("after its start");
  const Words exec = with_name(nucleus.exec, "held");
  for (int count = 0; count < execs; ++count) must(exec);
  print("after " + std::to_string(execs) + " execs");
  must(with_name(nucleus.remove, "held"));
}

void measure_listing(const std::string& nucleus, const std::string& directory, int count,
                     int rounds) {
  const std::string root = directory + "/nucleus";
  Words remove{nucleus, "rm", "--root", root, "--force"};
  for (int number = 0; number < count; ++number) {
    const std::string name = "listed-" + std::to_string(number);
    must({nucleus, "run", "--root", root, "--detach", "--name", name, "--", "/bin/true"});
    remove.push_back(name);
  }
  std::vector<Row> rows{{"ps --all"}, {"ps --all --quiet"}, {"inspect of one, by its name"}};
  const std::string some = "listed-" + std::to_string(count / 2);
  const std::vector<Words> calls{{nucleus, "ps", "--root", root, "--all"},
                                 {nucleus, "ps", "--root", root, "--all", "--quiet"},
                                 {nucleus, "inspect", "--root", root, some}};
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t at = 0; at < calls.size(); ++at) rows[at].times.push_back(must(calls[at]));
  }
  print_rows("of " + std::to_string(count) + " ended containers", rows);
  must(remove);
}

void measure_log(const std::string& nucleus, const std::string& directory, int mebibytes) {
  const std::string root = directory + "/nucleus";
  const std::string script =
      "yes 'a line of an ordinary length, as programs write them to a log' | head -c " +
      std::to_string(std::int64_t{mebibytes} << 20);  // busybox knows no "M"
  std::printf("\n| output of %d MiB in lines of 62 bytes | MB/s |\n", mebibytes);
  std::printf("|:--------------------------------------|-----:|\n");
  const auto print = [&](const char* label, double milliseconds) {
    std::printf("| %-37s | %4.0f |\n", label, mebibytes * 1048.576 / milliseconds);
    std::fflush(stdout);
  };
  for (const auto& [label, driver] :
       {std::pair{"nucleus, its own log", "json"}, std::pair{"nucleus, no log", "none"}}) {
    const std::int64_t begin = now();
    must({nucleus, "run", "--root", root, "--detach", "--name", "log", "--log-driver", driver, "--",
          "/bin/sh", "-c", script});
    must({nucleus, "wait", "--root", root, "log"});
    print(label, static_cast<double>(now() - begin) / 1e6);
    must({nucleus, "rm", "--root", root, "--force", "log"});
  }
  const std::string docker = on_path("docker");
  const auto reason =
      docker.empty()
          ? std::optional<std::string>("the program is not found")
          : trial(Command({docker, "version", "--format", "{{.Server.Version}}"}, std::nullopt),
                  directory);
  if (reason) {
    std::printf("left out: docker: %s\n", reason->c_str());
    return;
  }
  const std::string name = "nucleus-bench-" + std::to_string(::getpid());
  const std::int64_t begin = now();
  must({docker, "run", "--detach", "--name", name, "--pull", "never", "--network", "none",
        "busybox", "sh", "-c", script});
  must({docker, "wait", name});
  print("docker run, json-file", static_cast<double>(now() - begin) / 1e6);
  must({docker, "rm", "--force", name});
}

}  // namespace nucleus::bench
