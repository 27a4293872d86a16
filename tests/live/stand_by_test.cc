// --on-supervisor-death adopt: a supervisor that is killed has a successor, and the container does
// not notice.
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "live/live.h"
#include "support/screen.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCounts = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";

class StandBy : public ForEverybodysContainers {
 protected:
  void adopt(const std::string& name, const std::string& script,
             std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"--on-supervisor-death", "adopt"});
    start(name, script, std::move(flags));
  }

  // Until another one has taken over.
  [[nodiscard]] bool kill_supervisor(const std::string& name) const {
    const std::string before = about(name, "supervisor");
    if (before.empty() || ::kill(std::stoi(before), SIGKILL) != 0) return false;
    return eventually([&] {
      const std::string now = about(name, "supervisor");
      return now != before && !now.empty();
    });
  }

  [[nodiscard]] std::string events(const std::string& name) const {
    return sandbox.call({"events", "--since", "1h", "--filter", "container=" + name}).out;
  }
};
INSTANTIATE_TEST_SUITE_P(As, StandBy, testing::ValuesIn(everybody()), name_of);

TEST_P(StandBy, TheWorkloadGoesOnUnderAnother) {
  adopt("one", kCounts, {"--rm"});
  const std::string pid = about("one", "pid");
  const std::string stand_by = about("one", "stand_by");
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(says("one", "\n" + std::to_string(10 * (round + 1)) + "\n"));
    ASSERT_TRUE(kill_supervisor("one"));
    EXPECT_EQ(about("one", "status"), "running");
    EXPECT_EQ(about("one", "pid"), pid);
    EXPECT_EQ(about("one", "stand_by"), stand_by);
  }
  ASSERT_TRUE(says("one", "\n60\n"));
  // What was said while nobody read waited in the pipe. Only what had just been read by one that
  // was killed before it wrote can be missing.
  std::istringstream lines(logs("one"));
  int missing = 0;
  int last = 0;
  for (int line = 0; lines >> line; last = line) {
    EXPECT_GT(line, last);
    missing += line - last - 1;
  }
  EXPECT_LE(missing, 3) << logs("one");
  EXPECT_EQ(sandbox.call({"exec", "one", "echo", "inside"}).out, "inside\n");
  const std::string told = events("one");
  // create, start, three times adopt, exec_start, exec_die
  EXPECT_EQ(std::ranges::count(told, '\n'), 7) << told;
  EXPECT_THAT(told, HasSubstr(" adopt "));
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(StandBy, EveryProcessIsFoundAndReached) {
  adopt("one", "trap 'echo heard' USR1; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(says("one", "up\n"));
  for (const std::string wanted : {"up\nheard\n", "up\nheard\nheard\n"}) {
    EXPECT_THAT(sandbox.call({"top", "one"}).out, HasSubstr("while :; do"));
    const Ended told = sandbox.call({"kill", "--all", "--signal", "USR1", "one"});
    EXPECT_EQ(told.code, 0) << told.all();
    EXPECT_TRUE(says("one", wanted)) << logs("one");
    ASSERT_TRUE(kill_supervisor("one"));
  }
}

TEST_P(StandBy, TheEndIsSeenAndKnown) {
  sandbox.make_directory("flags");
  const std::vector<std::string> flags = {"-v", sandbox.home() + "/flags:/flags:ro"};
  adopt("one", "while test ! -e /flags/one; do sleep 0.02; done; exit 43", flags);
  ASSERT_TRUE(kill_supervisor("one"));
  sandbox.write("flags/one", "");
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "43\n");
  EXPECT_EQ(about("one", "ending.reason"), "exited");
  EXPECT_EQ(about("one", "stand_by"), "");

  // It ended while nobody looked.
  adopt("two", "while test ! -e /flags/two; do sleep 0.02; done; exit 44", flags);
  const pid_t supervisor = std::stoi(about("two", "supervisor"));
  const pid_t workload = std::stoi(about("two", "pid"));
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  sandbox.write("flags/two", "");
  EXPECT_TRUE(eventually([&] { return has_ended(workload); }));
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  EXPECT_EQ(sandbox.call({"wait", "two"}).out, "44\n");
}

TEST_P(StandBy, WhoWaitsOrStopsIsAnsweredByTheNextOne) {
  sandbox.make_directory("flags");
  adopt("one",
        "trap 'echo told; while test ! -e /flags/go; do sleep 0.02; done; exit 5' TERM; "
        "echo up; while :; do sleep 0.02; done",
        {"-v", sandbox.home() + "/flags:/flags:ro"});
  ASSERT_TRUE(says("one", "up"));
  Running waiting = sandbox.start({"wait", "one"});
  ASSERT_TRUE(kill_supervisor("one"));
  Running stopping = sandbox.start({"stop", "--time", "10m", "one"});
  ASSERT_TRUE(says("one", "told"));
  ASSERT_TRUE(kill_supervisor("one"));
  sandbox.write("flags/go", "");
  EXPECT_EQ(stopping.wait().code, 0);
  EXPECT_EQ(waiting.wait().out, "5\n");
  EXPECT_EQ(about("one", "status"), "stopped");
}

TEST_P(StandBy, EachRunHasItsOwn) {
  const std::vector<std::string> adopted = {"--on-supervisor-death", "adopt", "--name", "one"};
  std::vector<std::string> words = {"create"};
  words.insert(words.end(), adopted.begin(), adopted.end());
  words.insert(words.end(), {"--", "sh", "-c", "echo up; exec sleep 1000"});
  ASSERT_EQ(sandbox.call(words).code, 0);
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(about("one", "status"), "created");
  ASSERT_EQ(sandbox.call({"start", "one"}).code, 0);
  ASSERT_TRUE(says("one", "up\n"));
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(about("one", "status"), "running");
  ASSERT_EQ(sandbox.call({"restart", "--time", "0", "one"}).code, 0);
  ASSERT_TRUE(says("one", "up\nup\n"));
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(about("one", "status"), "running");
  ASSERT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  ASSERT_EQ(sandbox.call({"start", "one"}).code, 0);
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(StandBy, BetweenTwoRunsAsWell) {
  adopt("one", "echo up; exit 3", {"--restart", "always"});
  ASSERT_TRUE(eventually([&] { return about("one", "restarts") == "3"; }));
  // It changes with each run. Wherever in a run's end the kill comes, the next one goes on; after
  // five within a minute nobody would stand by any more.
  for (const int restarts : {4, 5, 6}) {
    std::string before;
    ASSERT_TRUE(eventually([&] {
      before = about("one", "supervisor");
      return ::kill(std::stoi(before), SIGKILL) == 0;
    }));
    ASSERT_TRUE(eventually([&] { return std::stoi(about("one", "restarts")) >= restarts; }));
    EXPECT_NE(about("one", "supervisor"), before);
  }
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "stopped");
  // The stop comes between two runs, or, on a slow machine, into one.
  EXPECT_THAT(about("one", "ending.code"), AnyOf("3", "143"));
}

TEST_P(StandBy, NobodyRunsWithoutOneOverIt) {
  adopt("one", "exec sleep 1000");
  const pid_t workload = std::stoi(about("one", "pid"));
  ASSERT_EQ(::kill(std::stoi(about("one", "stand_by")), SIGKILL), 0);
  ASSERT_TRUE(becomes("one", "stopped"));
  EXPECT_EQ(about("one", "ending.code"), "137");
  EXPECT_TRUE(has_ended(workload));

  adopt("two", "exec sleep 1000");
  const pid_t other = std::stoi(about("two", "pid"));
  const pid_t supervisor = std::stoi(about("two", "supervisor"));
  const pid_t stand_by = std::stoi(about("two", "stand_by"));
  // The one is held, so that it does not see that the other goes first.
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  ASSERT_EQ(::kill(stand_by, SIGKILL), 0);
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  ASSERT_TRUE(becomes("two", "lost"));
  EXPECT_TRUE(eventually([&] { return has_ended(other); }));
}

TEST_P(StandBy, AnExecEndsWithItsSupervisorAndItsTerminalToo) {
  adopt("one", "exec sleep 1000");
  Running exec = sandbox.start(
      {"exec", "one", "sh", "-c", "sleep 999 >/dev/null 2>&1 & echo begun; exec sleep 998"});
  ASSERT_TRUE(exec.wait_for("begun"));
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_NE(exec.wait().code, 0);
  const auto inside = [&] { return sandbox.call({"exec", "one", "ps", "-A", "-o", "args"}).out; };
  EXPECT_TRUE(eventually([&] { return inside().find("sleep 998") == std::string::npos; }));
  // What it had forked is found by its cgroup, and only so.
  if (about("one", "cgroups") != "[]") {
    EXPECT_TRUE(eventually([&] { return inside().find("sleep 999") == std::string::npos; }));
  }
  EXPECT_THAT(inside(), HasSubstr("sleep 1000"));
}

TEST_P(StandBy, ATerminalIsGivenToTheNextOne) {
  adopt("one", "echo up; read line; echo \"heard $line\"; exec sleep 1000", {"-it"});
  ASSERT_TRUE(says("one", "up"));
  ASSERT_TRUE(kill_supervisor("one"));
  const Screen screen(sandbox, "$NUCLEUS attach one");
  EXPECT_TRUE(screen.answers("word", "heard word"));
}

TEST_P(StandBy, APausedOneStaysPaused) {
  if (!limits_work(sandbox.who())) GTEST_SKIP() << "nothing can be paused without a cgroup";
  adopt("one", kCounts);
  ASSERT_EQ(sandbox.call({"exec", "--detach", "one", "sleep", "997"}).code, 0);
  ASSERT_EQ(sandbox.call({"pause", "one"}).code, 0);
  const std::string before = logs("one");
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(about("one", "status"), "paused");
  EXPECT_EQ(logs("one"), before);
  EXPECT_EQ(sandbox.call({"resume", "one"}).code, 0);
  EXPECT_TRUE(eventually([&] { return logs("one").size() > before.size(); }));
  // The name of its cgroup is not that of what the one before had begun.
  EXPECT_EQ(sandbox.call({"exec", "one", "echo", "inside"}).out, "inside\n");
  ASSERT_EQ(sandbox.call({"pause", "one"}).code, 0);
  ASSERT_TRUE(kill_supervisor("one"));
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  EXPECT_EQ(about("one", "ending.code"), "137");
}

TEST_P(StandBy, TimeHealthNameAndAuditGoOn) {
  sandbox.make_directory("audit");
  ASSERT_EQ(::chmod((sandbox.home() + "/audit").c_str(), 0700), 0);
  const std::string log = sandbox.home() + "/audit/audit.jsonl";
  adopt("one", "exec sleep 1000",
        {"--timeout", std::to_string(2 * slowness()) + "s", "--health-cmd", "true",
         "--health-interval", "100ms", "--audit-log", log});
  ASSERT_TRUE(eventually([&] { return about("one", "health.status") == "healthy"; }));
  ASSERT_EQ(sandbox.call({"rename", "one", "other"}).code, 0);
  ASSERT_TRUE(kill_supervisor("other"));
  EXPECT_TRUE(eventually([&] { return about("other", "health.status") == "healthy"; }));
  EXPECT_EQ(sandbox.call({"wait", "other"}).out, "137\n");
  EXPECT_EQ(about("other", "ending.reason"), "timeout");
  const Ended verified = sandbox.call({"audit", "--file", log, "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
  const std::string told = sandbox.call({"audit", "--file", log, "show"}).out;
  EXPECT_THAT(told, AllOf(HasSubstr("adopt"), HasSubstr("exit")));
}

TEST_P(StandBy, OneThatIsKilledAgainAndAgainIsNotMadeForEver) {
  adopt("one", "exec sleep 1000");
  for (int round = 0; round < 5; ++round) ASSERT_TRUE(kill_supervisor("one")) << round;
  EXPECT_EQ(about("one", "stand_by"), "");
  EXPECT_THAT(about("one", "notes"), HasSubstr("nobody that stands by"));
  EXPECT_EQ(sandbox.call({"exec", "one", "echo", "inside"}).out, "inside\n");
  ASSERT_EQ(::kill(std::stoi(about("one", "supervisor")), SIGKILL), 0);
  EXPECT_TRUE(becomes("one", "lost"));
}

TEST_P(StandBy, WhatCannotBeIsRefused) {
  const auto refused = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--on-supervisor-death", "adopt"});
    flags.insert(flags.end(), {"--", "true"});
    const Ended ended = sandbox.run(flags);
    EXPECT_EQ(ended.code, 2) << ended.all();
    return ended.err;
  };
  EXPECT_THAT(refused({}), HasSubstr("add --detach"));
  EXPECT_THAT(refused({"-d", "--supervisor", "systemd"}), HasSubstr("the unit ends with it"));
  EXPECT_THAT(refused({"-d", "--isolation", "landlock"}), HasSubstr("the supervisor's own"));
  const Ended other = sandbox.run({"-d", "--on-supervisor-death", "mourn", "--", "true"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("use kill or adopt"));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(StandBy, AStartThatFailsLeavesNobody) {
  const Ended ended =
      sandbox.run({"-d", "--on-supervisor-death", "adopt", "--", "/no/such/program"});
  EXPECT_EQ(ended.code, 127) << ended.all();
  EXPECT_THAT(ended.err, StartsWith("nucleus: "));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

}  // namespace
}  // namespace nucleus::test
