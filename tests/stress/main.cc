// nucleus_stress: many containers at once, and everything that can be done to them, in an order
// that a number decides; afterwards nothing may be left, and every recorded end must be right.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "stress/snapshot.h"
#include "stress/worker.h"

namespace nucleus::stress {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kUsage =
    "usage: nucleus_stress --nucleus PROGRAM [--containers N] [--seconds S] [--seed N] [--workers "
    "N]\n"
    "                      [--user NAME]\n";

struct Options {
  std::string nucleus, user;
  std::uint64_t containers = 1000, seconds = 600, seed = 1, workers = 8;
};

bool parse(int argc, char** argv, Options& options) {
  for (int at = 1; at + 1 < argc; at += 2) {
    const std::string_view flag = argv[at];
    const std::string_view value = argv[at + 1];
    if (flag == "--nucleus" || flag == "--user") {
      (flag == "--user" ? options.user : options.nucleus) = value;
      continue;
    }
    std::uint64_t* const into = flag == "--containers" ? &options.containers
                                : flag == "--seconds"  ? &options.seconds
                                : flag == "--seed"     ? &options.seed
                                : flag == "--workers"  ? &options.workers
                                                       : nullptr;
    if (into == nullptr ||
        std::from_chars(value.data(), value.data() + value.size(), *into).ec != std::errc())
      return false;
  }
  return argc % 2 == 1 && !options.nucleus.empty() && options.containers > 0 && options.workers > 0;
}

bool become(const std::string& name, std::string& home) {
  const passwd* const user = ::getpwnam(name.c_str());
  if (user == nullptr) return false;
  home = user->pw_dir;
  return ::initgroups(name.c_str(), user->pw_gid) == 0 && ::setgid(user->pw_gid) == 0 &&
         ::setuid(user->pw_uid) == 0;
}

bool all_workers(std::vector<std::unique_ptr<Worker>>& workers,
                 const std::function<bool(Worker&)>& act) {
  std::vector<std::thread> threads;
  for (const auto& worker : workers) threads.emplace_back([&act, &worker] { (void)act(*worker); });
  for (std::thread& thread : threads) thread.join();
  bool good = true;
  for (const auto& worker : workers) {
    if (worker->failure().empty()) continue;
    (void)std::fprintf(stderr, "%s", worker->failure().c_str());
    good = false;
  }
  return good;
}

void for_each_container(const Setting& setting, const std::vector<std::string>& words) {
  const Call ids = call({setting.nucleus, "ps", "--all", "--quiet"}, setting.env);
  for (std::size_t at = 0; at < ids.out.size();) {
    const std::size_t end = std::min(ids.out.find('\n', at), ids.out.size());
    std::vector<std::string> command = {setting.nucleus};
    command.insert(command.end(), words.begin(), words.end());
    command.push_back(ids.out.substr(at, end - at));
    (void)call(command, setting.env);
    at = end + 1;
  }
}

// What is on its way out is waited for; starts whose client was killed may have come to something.
std::string leftovers(const Snapshot& before, const Setting& setting) {
  std::string left;
  for (const auto until = Clock::now() + std::chrono::seconds(60); Clock::now() < until;) {
    left = before.added(Snapshot::take(setting.marker, setting.root));
    if (left.empty()) return left;
    for_each_container(setting, {"rm", "--force"});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return left;
}

int run(const Options& options, const std::string& home) {
  std::string made = "/tmp/nucleus-stress-XXXXXX";
  if (::mkdtemp(made.data()) == nullptr) return 2;
  Setting setting;
  setting.nucleus = options.nucleus;
  setting.root = made + "/root";
  setting.env = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + home,
                 "NUCLEUS_STATE_DIR=" + setting.root};
  setting.marker = std::to_string(1'000'000'000 + ::getpid());
  setting.cgroups = ::geteuid() == 0;
  // Threads, buffers and the like are there before the first look.
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned index = 0; index < options.workers; ++index) {
    const auto share = options.containers / options.workers +
                       (index < options.containers % options.workers ? 1 : 0);
    if (share > 0)
      workers.push_back(
          std::make_unique<Worker>(setting, options.seed, index, static_cast<unsigned>(share)));
  }
  const Snapshot before = Snapshot::take(setting.marker, setting.root);
  const auto began = Clock::now();
  const auto so_far = [&] { return std::chrono::duration<double>(Clock::now() - began).count(); };
  bool good = all_workers(workers, [](Worker& worker) { return worker.start_all(); });
  (void)std::fprintf(stderr, "%6.1f s: %zu containers run\n", so_far(),
                     static_cast<std::size_t>(options.containers));
  if (good) {
    const auto until = Clock::now() + std::chrono::seconds(options.seconds);
    good = all_workers(workers, [until](Worker& worker) { return worker.run(until); });
  }
  if (good) good = all_workers(workers, [](Worker& worker) { return worker.remove_all(); });
  std::uint64_t operations = 0;
  for (const auto& worker : workers) operations += worker->operations();
  if (good) {
    // Records of foreground ones, and of supervisors that were killed, wait for this.
    const Call pruned = call({setting.nucleus, "prune"}, setting.env);
    if (pruned.code != 0) {
      (void)std::fprintf(stderr, "prune: %s\n", pruned.text().c_str());
      good = false;
    }
    const std::string left = leftovers(before, setting);
    (void)std::fprintf(stderr, "%s", left.c_str());
    good = good && left.empty();
  }
  (void)std::fprintf(stderr, "%6.1f s: %llu calls of nucleus, seed %llu: %s\n", so_far(),
                     static_cast<unsigned long long>(operations),
                     static_cast<unsigned long long>(options.seed), good ? "good" : "FAILED");
  if (!good) {
    // Whoever looks for the cause finds the records; the host is left as it was.
    (void)std::fprintf(stderr, "the state root is kept: %s\n", setting.root.c_str());
    for_each_container(setting, {"kill"});
    return 1;
  }
  std::filesystem::remove_all(made);
  return 0;
}

}  // namespace
}  // namespace nucleus::stress

int main(int argc, char** argv) {
  using namespace nucleus::stress;
  Options options;
  if (!parse(argc, argv, options)) {
    (void)std::fputs(kUsage, stderr);
    return 2;
  }
  std::string home = "/root";
  if (!options.user.empty() && !become(options.user, home)) {
    (void)std::fprintf(stderr, "cannot become %s\n", options.user.c_str());
    return 2;
  }
  return run(options, home);
}
