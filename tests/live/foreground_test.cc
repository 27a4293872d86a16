// Containers in the foreground, as those see them who are not in front.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Foreground : public ForEverybodysContainers {
 protected:
  // In front of it, once it is shown to others.
  [[nodiscard]] Running run(const std::string& name, const std::string& script,
                            std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"run", "--name", name});
    flags.insert(flags.end(), {"--", "sh", "-c", script});
    Running front = sandbox.start(flags);
    EXPECT_TRUE(eventually([&] { return sandbox.call({"inspect", name}).code == 0; }));
    return front;
  }
};
INSTANTIATE_TEST_SUITE_P(As, Foreground, testing::ValuesIn(everybody()), name_of);

constexpr const char* kEndsPolitely =
    "trap 'echo told; exit 7' TERM; echo up; while :; do sleep 0.05; done";

TEST_P(Foreground, IsShownAndStoppedByOthers) {
  Running front = run("one", kEndsPolitely, {"--label", "tier=front"});
  ASSERT_TRUE(front.wait_for("up"));
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(about("one", "supervisor"), std::to_string(front.pid()));
  EXPECT_EQ(sandbox.call({"ps", "--format", "{name} {status}"}).out, "one running\n");
  EXPECT_THAT(sandbox.call({"top", "one"}).out, HasSubstr("sleep 0.05"));
  Running waiting = sandbox.start({"wait", "one"});
  const Ended stopped = sandbox.call({"stop", "one"});
  EXPECT_EQ(stopped.code, 0) << stopped.all();
  EXPECT_EQ(stopped.out, "one\n");
  const Ended ended = front.wait();
  EXPECT_EQ(ended.code, 7) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("told"));
  EXPECT_EQ(waiting.wait().out, "7\n");
  // Nothing is kept of it.
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
  EXPECT_EQ(sandbox.call({"inspect", "one"}).code, 1);
}

TEST_P(Foreground, CommandsAreExecutedInIt) {
  Running front = run("one", kEndsPolitely, {"--hostname", "inside"});
  ASSERT_TRUE(front.wait_for("up"));
  sandbox.stdin_text = "typed\n";
  const Ended exec = sandbox.call(
      {"exec", "-e", "WORD=said", "one", "sh", "-c", "hostname; cat; echo $WORD; exit 5"});
  EXPECT_EQ(exec.code, 5) << exec.all();
  EXPECT_EQ(exec.out, "inside\ntyped\nsaid\n");
  EXPECT_EQ(sandbox.call({"exec", "--timeout", "100ms", "one", "sleep", "1000"}).code, 124);
  EXPECT_THAT(sandbox.call({"cp", "one:/etc/hostname", "-"}).out, HasSubstr("inside"));
  // It goes with the container, and who waits for it hears so.
  Running asleep = sandbox.start({"exec", "one", "sh", "-c", "echo begun; exec sleep 1000"});
  ASSERT_TRUE(asleep.wait_for("begun"));
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_EQ(asleep.wait().code, 137);
  EXPECT_EQ(front.wait().code, 137);
}

TEST_P(Foreground, WhatTheWorkloadWasGivenIsNotAnExecs) {
  sandbox.through = {"sh", "-c", "exec \"$@\" 3</etc/passwd", "sh"};
  Running front = run("one", "ls /proc/self/fd/3 && echo given; while :; do sleep 0.05; done",
                      {"--preserve-fds", "1"});
  sandbox.through.clear();
  ASSERT_TRUE(front.wait_for("given"));
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", "ls /proc/$$/fd"}).out, "0\n1\n2\n");
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_EQ(front.wait().code, 137);
}

TEST_P(Foreground, ASignalReachesItAndRemovingEndsIt) {
  Running front = run("one", "trap 'echo heard' USR1; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(front.wait_for("up"));
  EXPECT_EQ(sandbox.call({"kill", "--signal", "USR1", "one"}).code, 0);
  ASSERT_TRUE(front.wait_for("heard"));
  const Ended kept = sandbox.call({"rm", "one"});
  EXPECT_EQ(kept.code, 1);
  EXPECT_THAT(kept.err, HasSubstr("add --force"));
  EXPECT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
  EXPECT_EQ(front.wait().code, 137);
  // Told to end in time, it does not, and is killed.
  Running deaf = run("two", "trap '' TERM; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(deaf.wait_for("up"));
  EXPECT_EQ(sandbox.call({"stop", "--time", "200ms", "two"}).code, 0);
  EXPECT_EQ(deaf.wait().code, 137);
}

TEST_P(Foreground, WhatOnlyASupervisorCanDoIsRefused) {
  Running front = run("one", kEndsPolitely);
  ASSERT_TRUE(front.wait_for("up"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"attach", "one"},
                                                {"restart", "one"},
                                                {"start", "one"},
                                                {"rename", "one", "other"},
                                                {"update", "--pids", "10", "one"}}) {
    const Ended refused = sandbox.call(words);
    EXPECT_NE(refused.code, 0) << words.front();
    EXPECT_THAT(refused.err, AllOf(HasSubstr("in the foreground of process"),
                                   HasSubstr(std::to_string(front.pid()))))
        << words.front();
  }
  const Ended logs = sandbox.call({"logs", "one"});
  EXPECT_EQ(logs.code, 2);
  EXPECT_THAT(logs.err, HasSubstr("in the foreground"));
  // Its name is taken, whoever asks.
  const Ended again = sandbox.run({"-d", "--name", "one", "--", "true"});
  EXPECT_NE(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr("EEXIST"));
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(front.wait().code, 7);
}

TEST_P(Foreground, OfAKilledOneNothingIsKept) {
  Running front = run("one", kEndsPolitely);
  const pid_t init = std::stoi(about("one", "pid"));
  front.send(SIGKILL);
  EXPECT_EQ(front.wait().code, 137);
  EXPECT_TRUE(eventually([&] { return has_ended(init); }));
  EXPECT_TRUE(eventually([&] { return sandbox.call({"ps", "--all", "--quiet"}).out.empty(); }));
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 1);
  EXPECT_EQ(sandbox.run({"--name", "one", "--", "true"}).code, 0);
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
}

// Nobody has looked at it since.
TEST_P(Foreground, WhatAKilledOneHadIsFreeAtOnce) {
  const auto kill_one = [&] {
    Running front = run("one", "exec sleep 1000");
    front.send(SIGKILL);
    (void)front.wait();
  };
  const auto kept = [&](const char* what) {
    return std::filesystem::is_empty(sandbox.state() + "/" + what);
  };
  kill_one();
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
  for (const char* what : {"by-name", "containers", "state"}) EXPECT_TRUE(kept(what)) << what;

  kill_one();
  const Ended again = sandbox.call({"run", "--name", "one", "--", "true"});
  EXPECT_EQ(again.code, 0) << again.all();

  kill_one();
  const Ended detached = sandbox.call({"run", "-d", "--name", "one", "--", "sleep", "1000"});
  EXPECT_EQ(detached.code, 0) << detached.all();

  ASSERT_EQ(sandbox.call({"rename", "one", "two"}).code, 0);
  kill_one();
  EXPECT_EQ(sandbox.call({"rename", "two", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
}

TEST_P(Foreground, WhatIsAskedOfAnAuditedOneIsWrittenDown) {
  sandbox.make_directory("audit");
  ASSERT_EQ(::chmod((sandbox.home() + "/audit").c_str(), 0700), 0);
  const std::string log = sandbox.home() + "/audit/audit.jsonl";
  Running front = run("one", kEndsPolitely, {"--audit-log", log});
  ASSERT_TRUE(front.wait_for("up"));
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", "exit 3"}).code, 3);
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(front.wait().code, 7);
  const Ended verified = sandbox.call({"audit", "--file", log, "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
  EXPECT_THAT(
      sandbox.call({"audit", "--file", log, "show"}).out,
      AllOf(HasSubstr("exec "), HasSubstr("exec-exit"), HasSubstr("stop "), HasSubstr("exit ")));
}

TEST_P(Foreground, OneThatCanBeFrozenIsPaused) {
  if (!limits_work(sandbox.who())) GTEST_SKIP() << "nothing can be paused without a cgroup";
  Running front = run("one", kEndsPolitely, {"--memory", "64M"});
  ASSERT_TRUE(front.wait_for("up"));
  const Ended paused = sandbox.call({"pause", "one"});
  if (paused.code == 0) {
    EXPECT_EQ(about("one", "status"), "paused");
    EXPECT_THAT(sandbox.call({"exec", "one", "true"}).err, HasSubstr("it is paused"));
    EXPECT_EQ(sandbox.call({"resume", "one"}).code, 0);
  } else {
    EXPECT_THAT(paused.err, HasSubstr("--detach"));  // cgroup v1: its limits are in others
  }
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(front.wait().code, 7);
}

}  // namespace
}  // namespace nucleus::test
