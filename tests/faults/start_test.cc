// Every system call of a start made to fail, and everybody killed at every moment of it: the answer
// must be a clear one, and nothing may be left.
//
// NUCLEUS_FAULTS=all runs the full product of calls and errors.
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "faults/leftovers.h"
#include "faults/tolerated.h"
#include "faults/tracer.h"
#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHostFile = "/tmp/nucleus-only-the-host-has-this";

// What the program can see of its layers without a program of ours in the container.
constexpr const char* kLook =
    "while read -r key value; do case $key in"
    " NoNewPrivs:) a=$value;; Seccomp:) b=$value;; Cap*) c=$c$value;; SigBlk:) d=$value;; esac;"
    " done < /proc/self/status; set -- /proc/self/fd/*;"
    " if [ $a$b$d = 120000000000000000 ] && [ -z \"${c#\"${c%%[!0]*}\"}\" ] && [ $# -le 4 ] &&"
    " [ ! -e /tmp/nucleus-only-the-host-has-this ] && [ $$ -le 2 ]; then echo 'layers: ok';"
    " else echo layers: MISSING $a $b $c $d $*; exit 99; fi";

struct Flavour {
  const char* name;
  std::vector<std::string> flags;
  bool probes = false;     // the command is our own program, which sees more
  bool root_only = false;  // limits need a cgroup
  bool without_init = false;
  bool json = false;
};

std::vector<Flavour> flavours(const std::string& home) {
  const std::string probe = guest("layers_probe") + ":/probe";
  return {
      {.name = "plain", .flags = {}},
      {.name = "limits",
       .flags = {"--memory", "64M", "--name", "limited", "--cidfile", home + "/id", "--pid-file",
                 home + "/pid"},
       .root_only = true},
      {.name = "copy",
       .flags = {"--context", home + "/context", "-v", home + "/data:/data:rw", "-v", probe},
       .probes = true},
      {.name = "terminal", .flags = {"-t"}},
      {.name = "json", .flags = {"--json", "-v", probe}, .probes = true, .json = true},
      {.name = "rootfs",
       .flags = {"--no-init", "--rootfs", home + "/root"},
       .probes = true,
       .without_init = true},
  };
}

std::string link(const char* name) {
  return fs::read_symlink(std::string("/proc/self/ns/") + name).string();
}

// A user's sandbox with all that the flavours name.
class Scene {
 public:
  explicit Scene(Who who) : sandbox_(who) {
    for (const char* name : {"context", "data", "root", "root/etc", "state-root"})
      sandbox_.make_directory(name);
    sandbox_.write("context/file", "text");
    sandbox_.make_directory("context/below");
    sandbox_.write("context/below/file", "text");
    fs::copy_file(guest("layers_probe"), sandbox_.home() + "/root/probe");
  }

  [[nodiscard]] const Sandbox& sandbox() const { return sandbox_; }

  [[nodiscard]] Command command(const Flavour& flavour) const {
    Command command{.who = sandbox_.who(),
                    .words = {"nucleus", "run"},
                    .env = {},
                    .directory = sandbox_.home(),
                    .without_init = flavour.without_init};
    const std::vector<std::string> look =
        flavour.probes ? std::vector<std::string>{"--",        "/probe",    kHostFile,
                                                  link("pid"), link("mnt"), link("net")}
                       : std::vector<std::string>{"--", "sh", "-c", kLook};
    command.words.insert(command.words.end(), flavour.flags.begin(), flavour.flags.end());
    command.words.insert(command.words.end(), look.begin(), look.end());
    for (const auto& [key, value] : sandbox_.environment())
      command.env.push_back(key + "=" + value);
    return command;
  }

 private:
  Sandbox sandbox_;
};

struct Case {
  std::string text;
  std::optional<Fault> fault;
  std::optional<Kill> kill;
  Call call;
};

struct Counts {
  std::atomic<unsigned> faults{0}, kills{0}, not_reached{0};
};

// Shared with the workers.
Counts& counts() {
  static Counts* const shared = new (::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts;
  return *shared;
}

class PrintsCounts : public testing::Environment {
  void TearDown() override {
    std::printf("faults: %u cases (%u calls made to fail, %u kills), %u more not reached\n",
                counts().faults + counts().kills, counts().faults.load(), counts().kills.load(),
                counts().not_reached.load());
  }
};
[[maybe_unused]] testing::Environment* const kPrints =
    testing::AddGlobalTestEnvironment(new PrintsCounts);

bool everything() {
  const char* const wanted = std::getenv("NUCLEUS_FAULTS");
  return wanted != nullptr && std::strcmp(wanted, "all") == 0;
}

// The tracer needs to be the parent of all orphans, and the comparison of mounts a namespace where
// nobody else mounts.
void become_a_world_of_its_own() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    std::abort();
}

// Runs every case in one of some processes, each with a sandbox of its own.
void in_workers(Who who, const std::vector<Case>& cases,
                const std::function<void(const Scene&, const Case&)>& run) {
  const unsigned workers = std::max(1U, std::min(4U, std::thread::hardware_concurrency()));
  std::vector<pid_t> pids;
  (void)std::fflush(nullptr);
  for (unsigned worker = 0; worker < workers; ++worker) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      {
        become_a_world_of_its_own();
        const Scene scene(who);
        for (std::size_t index = worker; index < cases.size(); index += workers) {
          run(scene, cases[index]);
          if (testing::Test::HasFatalFailure()) break;
        }
      }
      (void)std::fflush(nullptr);
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    pids.push_back(pid);
  }
  for (const pid_t pid : pids) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0) << "a worker has failed: see above";
  }
}

void expect_success(const Traced& traced, const Flavour& flavour, const Case& each) {
  const std::string& out = traced.ended.out;
  EXPECT_THAT(out, testing::HasSubstr("layers: ok")) << each.text << "\n" << traced.ended.all();
  if (!flavour.json) return;
  const auto json = traced.ended.json();
  EXPECT_EQ(json["code"], 0) << each.text << "\n" << traced.ended.all();
  // What could not be read back is shown as not in force: less than there is, never more.
  if (each.call.part == Part::nucleus) return;
  EXPECT_EQ(json["layers"]["seccomp"]["mode"], 2) << each.text << "\n" << traced.ended.all();
  EXPECT_EQ(json["layers"]["capabilities"], "0") << each.text << "\n" << traced.ended.all();
}

bool is_refusal(int code) { return code == 2 || code == 125 || code == 126 || code == 127; }

// The last line is nucleus' own and says what it could not do.
void expect_clear_words(const Traced& traced, const Case& each) {
  EXPECT_THAT(traced.ended.err, testing::ContainsRegex("(^|\n)nucleus: [^\n]*cannot "))
      << each.text << "\n"
      << traced.ended.all();
}

// An id file is the user's once the command has run to its end; one of nucleus' own endings takes
// it away, and the pid file in any case. Nothing can when nucleus was killed.
void take_files(const Scene& scene, const Traced& traced, const Case& each) {
  const bool id = fs::remove(scene.sandbox().home() + "/id");
  const bool pid = fs::remove(scene.sandbox().home() + "/pid");
  const int code = traced.ended.code;
  if (each.kill && each.kill->victim == Part::nucleus) return;
  EXPECT_FALSE(id && code != 0 && code != 137) << each.text << ": an id file is left\n"
                                               << traced.ended.all();
  EXPECT_FALSE(pid && !traced.ended.err.contains("--pid-file"))
      << each.text << ": a pid file is left, silently\n"
      << traced.ended.all();
}

void expect_nothing_left(const Traced& traced, const Leftovers& before, const Case& each) {
  EXPECT_FALSE(traced.hung) << each.text << ": hung\n" << testing::PrintToString(traced.left);
  EXPECT_THAT(traced.left, testing::IsEmpty()) << each.text;
  EXPECT_EQ(before.found(), "") << each.text << "\n" << traced.ended.all();
}

void run_fault(const Scene& scene, const Flavour& flavour, Case each) {
  const Leftovers before(scene.sandbox());
  const Traced traced = trace(scene.command(flavour), each.fault, std::nullopt);
  // Two processes at once take turns in another way each time: what was struck is what counts.
  if (traced.struck && traced.struck->number != each.call.number)
    each.text += ", which was " + text_of(*traced.struck);
  take_files(scene, traced, each);
  if (!traced.struck) {
    ++counts().not_reached;
    return;
  }
  ++counts().faults;
  expect_nothing_left(traced, before, each);
  EXPECT_EQ(traced.signal, 0) << each.text << ": nucleus itself died of a signal";
  const int code = traced.ended.code;
  if (code == 0) {
    expect_success(traced, flavour, each);
    EXPECT_NE(why_tolerated(*traced.struck, each.fault->errnum), nullptr)
        << each.text << ": goes on as if nothing had happened, for no known reason\n"
        << traced.ended.all();
    return;
  }
  EXPECT_TRUE(is_refusal(code)) << each.text << "\n" << traced.ended.all();
  EXPECT_FALSE(each.fault->errnum == EINTR && is_restartable(*traced.struck))
      << each.text << ": is to be tried again\n"
      << traced.ended.all();
  expect_clear_words(traced, each);
  // Who could not say why has died without a word, which nucleus tells.
  const Part part = traced.struck->part;
  if (part == Part::child || part == Part::init || part == Part::starter) {
    EXPECT_THAT(traced.ended.err,
                testing::AnyOf(testing::HasSubstr(::strerrorname_np(each.fault->errnum)),
                               testing::HasSubstr("was killed while it was being set up")))
        << each.text;
  }
}

// NUCLEUS_FAULTS_CASE=TEXT: those whose name has it, to look into one.
std::vector<Case> only_wanted(std::vector<Case> cases) {
  if (const char* const only = std::getenv("NUCLEUS_FAULTS_CASE"))
    std::erase_if(cases, [&](const Case& each) { return !each.text.contains(only); });
  return cases;
}

// Which errors a call is given: one of the list in turn, all when there are few calls of its kind.
std::vector<int> errors_for(const Call& call, unsigned turn, bool unusual) {
  if (cannot_fail(call)) return {};
  if (call.number == SYS_close) return {turn % 2 == 0 ? EINTR : EIO};
  if (call.number == SYS_brk) return {ENOMEM};
  const bool restartable = is_restartable(call);
  static constexpr int kErrors[] = {ENOSYS, EPERM, ENOSPC, EMFILE, ENOMEM, EINTR};
  const std::size_t most = restartable ? 6 : 5;
  // What a disk answers that fails under the output.
  if (call.number == SYS_write) return {kErrors[turn % most], EIO};
  if (!unusual && !everything()) return {kErrors[turn % most]};
  return {kErrors, kErrors + most};
}

using Kind = std::pair<Part, long>;

std::map<Kind, unsigned> kinds_of(const std::vector<Call>& calls) {
  std::map<Kind, unsigned> kinds;
  for (const Call& call : calls) ++kinds[{call.part, call.number}];
  return kinds;
}

std::vector<Case> fault_cases(const std::vector<Call>& calls) {
  std::vector<Case> cases;
  const std::map<Kind, unsigned> kinds = kinds_of(calls);
  std::map<Kind, unsigned> passed;
  for (const Call& call : calls) {
    const Kind kind{call.part, call.number};
    for (const int errnum : errors_for(call, passed[kind]++, kinds.at(kind) <= 2)) {
      cases.push_back({.text = text_of(call) + " -> " + ::strerrorname_np(errnum),
                       .fault = Fault{.part = call.part, .index = call.index, .errnum = errnum},
                       .kill = {},
                       .call = call});
    }
  }
  return only_wanted(std::move(cases));
}

class Faults : public testing::TestWithParam<Who> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP()
          << "newuidmap(1) has no rights under the ptrace of an ordinary user: run as root";
    }
    become_a_world_of_its_own();
    (void)counts();  // shared from before the first fork
    fclose(fopen(kHostFile, "w"));
  }
  void TearDown() override { ::unlink(kHostFile); }

  // A run in which nothing fails, to learn of its calls.
  static std::vector<Call> recorded(const Flavour& flavour) {
    const Scene scene(GetParam());
    const Leftovers before(scene.sandbox());
    const Traced traced = trace(scene.command(at(scene, flavour)), std::nullopt, std::nullopt);
    const Case nothing{.text = std::string(flavour.name) + " without a fault",
                       .fault = {},
                       .kill = {},
                       .call = {}};
    EXPECT_EQ(traced.ended.code, 0) << flavour.name << "\n" << traced.ended.all();
    expect_success(traced, flavour, nothing);
    take_files(scene, traced, nothing);
    expect_nothing_left(traced, before, nothing);
    return traced.calls;
  }

  // The flavour for this scene's home.
  static Flavour at(const Scene& scene, const Flavour& flavour) {
    for (Flavour& each : flavours(scene.sandbox().home())) {
      if (std::strcmp(each.name, flavour.name) == 0) return each;
    }
    return flavour;
  }

  static std::vector<Flavour> wanted() {
    std::vector<Flavour> all = flavours("");
    std::erase_if(all,
                  [](const Flavour& each) { return each.root_only && !limits_work(GetParam()); });
    if (const char* const only = std::getenv("NUCLEUS_FAULTS_FLAVOUR"))
      std::erase_if(all, [&](const Flavour& each) { return std::strcmp(each.name, only) != 0; });
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(As, Faults, testing::ValuesIn(everybody()), name_of);

TEST_P(Faults, EveryCallOfAStartFailsClearly) {
  for (const Flavour& flavour : wanted()) {
    const std::vector<Call> calls = recorded(flavour);
    ASSERT_GT(calls.size(), 200U) << flavour.name;
    const std::vector<Case> cases = fault_cases(calls);
    std::printf("%s: %zu calls, %zu cases\n", flavour.name, calls.size(), cases.size());
    in_workers(GetParam(), cases, [&](const Scene& scene, const Case& each) {
      run_fault(scene, at(scene, flavour), each);
    });
  }
}

void run_kill(const Scene& scene, const Flavour& flavour, const Case& each) {
  const Leftovers before(scene.sandbox());
  const Traced traced = trace(scene.command(flavour), std::nullopt, each.kill);
  take_files(scene, traced, each);
  if (!traced.struck) {
    ++counts().not_reached;
    return;
  }
  ++counts().kills;
  expect_nothing_left(traced, before, each);
  if (each.kill->victim == Part::nucleus) return;
  EXPECT_EQ(traced.signal, 0) << each.text << ": nucleus itself died of a signal";
  const int code = traced.ended.code;
  // Killed when it had done its work, or while it did it.
  EXPECT_TRUE(code == 0 || code == 137 || code == 125) << each.text << "\n" << traced.ended.all();
  if (code == 125) expect_clear_words(traced, each);
  if (code == 0) expect_success(traced, flavour, each);
}

std::vector<Case> kill_cases(const std::vector<Call>& calls) {
  std::vector<Case> cases;
  // A prime, so that the moments differ from flavour to flavour.
  const std::size_t step = everything() ? 1 : 13;
  for (std::size_t at = 0; at < calls.size(); ++at) {
    const Call& call = calls[at];
    const bool rare = call.part == Part::init || call.part == Part::starter;
    if (at % step != 0 && !rare) continue;
    for (const Part victim : {Part::nucleus, Part::init, Part::workload}) {
      // Nobody of the container is there before its first call, nor anybody in it before its last.
      if (victim == Part::workload && call.part != Part::init && call.part != Part::nucleus)
        continue;
      const bool leaving = (at / step) % 2 == 1;
      cases.push_back(
          {.text = std::string("kill ") + part_name(victim) + " at " + text_of(call) +
                   (leaving ? " (leaving)" : ""),
           .fault = {},
           .kill =
               Kill{.part = call.part, .index = call.index, .leaving = leaving, .victim = victim},
           .call = call});
    }
  }
  return only_wanted(std::move(cases));
}

TEST_P(Faults, WhoeverIsKilledTakesEverythingAlong) {
  for (const Flavour& flavour : wanted()) {
    const std::vector<Call> calls = recorded(flavour);
    const std::vector<Case> cases = kill_cases(calls);
    std::printf("%s: %zu calls, %zu cases\n", flavour.name, calls.size(), cases.size());
    in_workers(GetParam(), cases, [&](const Scene& scene, const Case& each) {
      run_kill(scene, at(scene, flavour), each);
    });
  }
}

}  // namespace
}  // namespace nucleus::test
