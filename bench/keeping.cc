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
#include <memory>
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

// A container of a runtime, removed in the end.
class Kept {
 public:
  Kept(const Runtime& runtime, std::string id) : runtime_(runtime), id_(std::move(id)) {
    must(with_name(runtime_.start, id_));
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    const Command command(with_name(runtime_.remove, id_), std::nullopt);
    const pid_t pid = command.spawn();
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }

 private:
  const Runtime& runtime_;
  std::string id_;
};

struct Row {
  std::string label;
  std::vector<double> times{};
};

// The first row is what the others are compared with.
void print_rows(const char* title, const std::vector<Row>& rows, const char* to) {
  std::printf("\n| %-34s | min ms | p50 ms | p95 ms | p99 ms | %s |\n", title, to);
  std::printf(
      "|:-----------------------------------|-------:|-------:|-------:|-------:|-----:|\n");
  const double base = summarize(rows.front().times).median;
  for (const Row& row : rows) {
    const Summary summary = summarize(row.times);
    std::printf("| %-34s | %6.2f | %6.2f | %6.2f | %6.2f | %s |\n", row.label.c_str(), summary.min,
                summary.median, summary.p95, summary.p99, ratio(summary.median, base).c_str());
  }
  std::fflush(stdout);
}

std::string output_of(const Words& words) {
  std::string line;
  for (const std::string& word : words) line.append("'").append(word).append("' ");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "re"), ::pclose);
  if (!pipe) fail("popen");
  std::string text;
  std::array<char, 4096> some{};
  for (std::size_t got = 0; (got = std::fread(some.data(), 1, some.size(), pipe.get())) > 0;)
    text.append(some.data(), got);
  return text;
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

// One of the parallel workers: its share of starts and removals, one after the other.
int worker(const Runtime& runtime, int number, int cycles) {
  int failures = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const std::string id = "w" + std::to_string(number) + "-" + std::to_string(cycle);
    for (const Words* words : {&runtime.start, &runtime.remove}) {
      const Command command(with_name(*words, id), std::nullopt);
      if (reap(command.spawn()) != 0) ++failures;
    }
  }
  return failures;
}

}  // namespace

void measure_starts(const std::vector<Runtime>& runtimes, const std::string& nucleus,
                    const std::string& directory, int rounds) {
  const std::string root = directory + "/nucleus";
  const Words foreground{nucleus, "run", "--root", root, "--", "/bin/true"};
  // A detached container is in cgroups, to be ended and looked at: what that alone costs.
  const Words limited{nucleus, "run", "--root", root, "--memory", "64M", "--", "/bin/true"};
  std::vector<Row> rows{{"nucleus run, in the foreground", {}}, {"... with a limit of memory", {}}};
  for (const Runtime& runtime : runtimes) rows.push_back({runtime.label + ", detached", {}});
  for (int round = 0; round < rounds; ++round) {
    rows[0].times.push_back(must(foreground));
    rows[1].times.push_back(must(limited));
    for (std::size_t at = 0; at < runtimes.size(); ++at) {
      const std::string id = "start-" + std::to_string(round);
      rows[at + 2].times.push_back(must(with_name(runtimes[at].start, id)));
      must(with_name(runtimes[at].remove, id));
    }
  }
  print_rows("start", rows, "to 1st");
}

void measure_execs(const std::vector<Runtime>& runtimes, int rounds) {
  std::vector<std::unique_ptr<Kept>> kept;
  std::vector<Row> rows;
  for (const Runtime& runtime : runtimes) {
    kept.push_back(std::make_unique<Kept>(runtime, "exec"));
    rows.push_back({runtime.label, {}});
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t at = 0; at < runtimes.size(); ++at)
      rows[at].times.push_back(must(with_name(runtimes[at].exec, "exec")));
  }
  print_rows("exec of /bin/true", rows, "to 1st");
}

void measure_cycles(const std::vector<Runtime>& runtimes, int cycles, int jobs) {
  std::printf("\n| started and removed, %d at a time   | cycles | seconds | a second | failed |\n",
              jobs);
  std::printf("|:-----------------------------------|-------:|--------:|---------:|-------:|\n");
  std::fflush(stdout);
  for (const Runtime& runtime : runtimes) {
    const std::int64_t begin = now();
    std::vector<pid_t> workers;
    for (int number = 0; number < jobs; ++number) {
      const pid_t pid = ::fork();
      if (pid < 0) fail("fork");
      if (pid == 0) ::_exit(worker(runtime, number, cycles / jobs) == 0 ? 0 : 1);
      workers.push_back(pid);
    }
    int failed = 0;
    for (const pid_t pid : workers) failed += reap(pid) == 0 ? 0 : 1;
    const double seconds = static_cast<double>(now() - begin) / 1e9;
    const int done = cycles / jobs * jobs;
    std::printf("| %-34s | %6d | %7.2f | %8.1f | %6d |\n", runtime.label.c_str(), done, seconds,
                done / seconds, failed);
    std::fflush(stdout);
    reap_orphans();
  }
}

void measure_supervisor(const Runtime& nucleus, const std::string& directory, int execs) {
  const Kept kept(nucleus, "held");
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
  if (execs > 0) print("after " + std::to_string(execs) + " execs");
}

void measure_log(const std::string& nucleus, const std::string& directory, int mebibytes) {
  const std::string root = directory + "/nucleus";
  const std::string script =
      "yes 'a line of an ordinary length, as programs write them to a log' | head -c " +
      std::to_string(mebibytes) + "M";
  std::printf("\n| output of %d MiB in lines of 64 bytes | MB/s |\n", mebibytes);
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
  const Words run{docker, "run",     "--rm", "--pull", "never", "--network",
                  "none", "busybox", "sh",   "-c",     script};
  print("docker run, json-file", must(run));
}

}  // namespace nucleus::bench
