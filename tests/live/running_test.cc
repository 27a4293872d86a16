// Containers are paused, given other limits, measured and looked into while they run.
#include <signal.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

#define NUCLEUS_NEED_CGROUP() \
  if (!limits_work(GetParam())) GTEST_SKIP() << "this user has no cgroups here"

constexpr const char* kBusy = "echo ready; while :; do :; done";
constexpr const char* kIdle = "exec sleep 1000";

class RunningOnes : public ForEverybodysContainers {
 protected:
  [[nodiscard]] std::uint64_t cpu_msec(const std::string& name) const {
    const Ended ended = sandbox.call({"top", "--json", name});
    EXPECT_EQ(ended.code, 0) << ended.all();
    std::uint64_t total = 0;
    for (const auto& process : nlohmann::json::parse(ended.out))
      total += process["cpu_msec"].get<std::uint64_t>();
    return total;
  }
  // The first of these files that one of its cgroups has.
  [[nodiscard]] std::string cgroup_file(const std::string& name, const std::string& file) const {
    for (const auto& path : nlohmann::json::parse(about(name, "cgroups"))) {
      std::ifstream in(path.get<std::string>() + "/" + file);
      std::string line;
      if (std::getline(in, line)) return line;
    }
    return "none";
  }
  [[nodiscard]] bool is_gone(pid_t pid) const {
    return eventually([&] { return has_ended(pid); });
  }
};
INSTANTIATE_TEST_SUITE_P(As, RunningOnes, testing::ValuesIn(everybody()), name_of);

TEST_P(RunningOnes, APausedOneStandsStillAndGoesOn) {
  NUCLEUS_NEED_CGROUP();
  start("one", kBusy);
  ASSERT_TRUE(says("one", "ready"));
  EXPECT_EQ(sandbox.call({"resume", "one"}).code, 1);
  const Ended paused = sandbox.call({"pause", "one"});
  ASSERT_EQ(paused.code, 0) << paused.all();
  EXPECT_EQ(paused.out, "one\n");
  EXPECT_EQ(about("one", "status"), "paused");
  EXPECT_THAT(sandbox.call({"ps"}).out, HasSubstr("paused"));
  const std::uint64_t before = cpu_msec("one");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(cpu_msec("one"), before);
  const Ended executed = sandbox.call({"exec", "one", "true"});
  EXPECT_NE(executed.code, 0);
  EXPECT_THAT(executed.err, HasSubstr("nucleus resume"));
  EXPECT_THAT(sandbox.call({"pause", "one"}).err, HasSubstr("it is paused"));
  EXPECT_THAT(sandbox.call({"start", "one"}).err, HasSubstr("nucleus resume"));
  EXPECT_EQ(sandbox.call({"resume", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_TRUE(eventually([&] { return cpu_msec("one") > before; }));
}

TEST_P(RunningOnes, WithoutACgroupAPauseIsRefused) {
  if (limits_work(GetParam())) GTEST_SKIP() << "this user has cgroups here";
  start("one", kIdle);
  const Ended paused = sandbox.call({"pause", "one"});
  EXPECT_EQ(paused.code, 1);
  EXPECT_THAT(paused.err, AllOf(HasSubstr("no cgroup"), HasSubstr("Delegate=yes")));
  EXPECT_EQ(about("one", "status"), "running");
  const Ended updated = sandbox.call({"update", "--memory", "64M", "one"});
  EXPECT_EQ(updated.code, 1);
  EXPECT_THAT(updated.err, AllOf(HasSubstr("--memory"), HasSubstr("no cgroup")));
  EXPECT_EQ(about("one", "spec.resources.memory"), "");
  EXPECT_EQ(sandbox.call({"stats", "--no-stream", "one"}).code, 1);
  EXPECT_EQ(sandbox.call({"stats", "--no-stream"}).code, 0);
}

TEST_P(RunningOnes, WhatEndsAContainerEndsAPausedOne) {
  NUCLEUS_NEED_CGROUP();
  start("one", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done");
  start("two", kIdle);
  start("three", kIdle);
  start("four", kIdle, {"--timeout", "2s"});
  ASSERT_TRUE(says("one", "ready"));
  const Ended paused = sandbox.call({"pause", "one", "two", "three"});
  ASSERT_EQ(paused.code, 0) << paused.all();
  // On a slow machine its time may be over by now, which comes to the same.
  (void)sandbox.call({"pause", "four"});
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "ending.code"), "9");
  EXPECT_EQ(sandbox.call({"kill", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "two"}).out, "137\n");
  const pid_t init = std::stoi(about("three", "pid"));
  EXPECT_EQ(sandbox.call({"rm", "--force", "three"}).code, 0);
  EXPECT_TRUE(is_gone(init));
  EXPECT_EQ(sandbox.call({"wait", "four"}).out, "137\n");
  EXPECT_EQ(about("four", "ending.reason"), "timeout");
}

TEST_P(RunningOnes, APausedOneWithoutItsSupervisorIsRemovedWhole) {
  NUCLEUS_NEED_CGROUP();
  for (const char* name : {"one", "two"}) {
    start(name, kIdle);
    ASSERT_EQ(sandbox.call({"pause", name}).code, 0);
  }
  const pid_t one = std::stoi(about("one", "pid"));
  const pid_t two = std::stoi(about("two", "pid"));
  ASSERT_EQ(::kill(std::stoi(about("one", "supervisor")), SIGKILL), 0);
  ASSERT_EQ(::kill(std::stoi(about("two", "supervisor")), SIGKILL), 0);
  ASSERT_TRUE(becomes("one", "lost"));
  ASSERT_TRUE(becomes("two", "lost"));
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_TRUE(is_gone(one));
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(sandbox.call({"rm", "two"}).code, 0);
  EXPECT_TRUE(is_gone(two));
}

TEST_P(RunningOnes, OtherLimitsHoldAtOnceAndAreRecorded) {
  NUCLEUS_NEED_CGROUP();
  start("one", kIdle, {"--memory", "64M"});
  const Ended updated = sandbox.call(
      {"update", "--pids", "40", "--memory", "128M", "--memory-reservation", "32M", "one"});
  ASSERT_EQ(updated.code, 0) << updated.all();
  EXPECT_EQ(cgroup_file("one", "pids.max"), "40");
  const std::string wanted = std::to_string(128U << 20);
  EXPECT_TRUE(cgroup_file("one", "memory.limit_in_bytes") == wanted ||
              cgroup_file("one", "memory.max") == wanted);
  EXPECT_EQ(about("one", "spec.resources.memory"), wanted);
  EXPECT_EQ(about("one", "spec.resources.pids"), "40");
  ASSERT_EQ(sandbox.call({"update", "--pids", "max", "one"}).code, 0);
  EXPECT_EQ(cgroup_file("one", "pids.max"), "max");
  // And at the next start.
  ASSERT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  ASSERT_EQ(sandbox.call({"update", "--pids", "41", "one"}).code, 0);
  ASSERT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(cgroup_file("one", "pids.max"), "41");
}

TEST_P(RunningOnes, ProcessorTimeIsLimitedLater) {
  if (GetParam() != Who::root) GTEST_SKIP() << "the cpu controller is seldom delegated";
  start("one", kIdle);
  const Ended updated = sandbox.call({"update", "--cpus", "0.5", "--cpu-weight", "50", "one"});
  ASSERT_EQ(updated.code, 0) << updated.all();
  EXPECT_TRUE(cgroup_file("one", "cpu.cfs_quota_us") == "50000" ||
              cgroup_file("one", "cpu.max") == "50000 100000");
}

TEST_P(RunningOnes, AllLimitsAreChangedOrNone) {
  NUCLEUS_NEED_CGROUP();
  start("one", kIdle, {"--memory", "64M"});
  const Ended updated = sandbox.call(
      {"update", "--pids", "40", "--memory", "128M", "--io-limit", "4095:1048575 rbps=1M", "one"});
  EXPECT_EQ(updated.code, 1);
  EXPECT_THAT(updated.err, HasSubstr("--io-limit"));
  EXPECT_EQ(cgroup_file("one", "pids.max"), "512");
  const std::string before = std::to_string(64U << 20);
  EXPECT_TRUE(cgroup_file("one", "memory.limit_in_bytes") == before ||
              cgroup_file("one", "memory.max") == before);
  EXPECT_EQ(about("one", "spec.resources.memory"), before);
  EXPECT_EQ(about("one", "spec.resources.pids"), "512");
}

TEST_P(RunningOnes, NoMemoryIsTakenThatIsInUse) {
  NUCLEUS_NEED_CGROUP();
  start("one",
        "x=$(head -c 20000000 /dev/zero | tr '\\0' x); echo ready; while :; do sleep 0.1; done",
        {"--memory", "128M"});
  ASSERT_TRUE(says("one", "ready"));
  const Ended updated = sandbox.call({"update", "--memory", "8M", "one"});
  EXPECT_EQ(updated.code, 1);
  EXPECT_THAT(updated.err, AllOf(HasSubstr("--memory"), HasSubstr("cannot be taken from it")));
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(about("one", "spec.resources.memory"), std::to_string(128U << 20));
}

TEST_P(RunningOnes, AMemoryLimitThatCameLaterEndsItAsOneOfItsStart) {
  NUCLEUS_NEED_CGROUP();
  start("one", kIdle, {"-v", guest("eat_memory") + ":/eat_memory"});
  ASSERT_EQ(sandbox.call({"update", "--memory", "32M", "one"}).code, 0);
  EXPECT_NE(sandbox.call({"exec", "one", "/eat_memory", "256"}).code, 0);
  EXPECT_TRUE(becomes("one", "stopped"));
  EXPECT_EQ(about("one", "ending.reason"), "oom");
}

TEST_P(RunningOnes, ChangesAreCheckedAsAtAStart) {
  start("one", kIdle);
  EXPECT_EQ(sandbox.call({"update", "one"}).code, 2);
  const Ended wrong = sandbox.call({"update", "--memory", "lots", "--cpus", "0", "one"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("'lots'"), HasSubstr("--cpus")));
  EXPECT_EQ(sandbox.call({"update", "--memory-swap", "64M", "one"}).code, 1);
  const Ended several = sandbox.call({"update", "--restart", "on-failure:2", "none", "one"});
  EXPECT_EQ(several.code, 1);
  EXPECT_EQ(several.out, "one\n");
  EXPECT_EQ(about("one", "restart"), "on-failure:2");
}

TEST_P(RunningOnes, APolicyOfNoEndsARowOfRestarts) {
  start("one", "exit 3", {"--restart", "always"});
  ASSERT_TRUE(eventually([&] { return about("one", "restarts") >= "2"; }));
  ASSERT_EQ(sandbox.call({"update", "--restart", "no", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "3\n");
  EXPECT_EQ(about("one", "restart"), "no");
}

TEST_P(RunningOnes, WhatTheyUseIsShown) {
  NUCLEUS_NEED_CGROUP();
  start("one", kBusy, {"--memory", "64M", "--pids", "30"});
  start("two", kIdle);
  ASSERT_TRUE(says("one", "ready"));
  const Ended shown = sandbox.call({"stats", "--no-stream", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.all();
  const auto list = nlohmann::json::parse(shown.out);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["name"], "one");
  EXPECT_GT(list[0]["cpu_percent"].get<double>(), 0);
  EXPECT_GT(list[0]["memory_bytes"].get<std::uint64_t>(), 0U);
  EXPECT_EQ(list[0]["memory_limit_bytes"], 64U << 20);
  EXPECT_TRUE(list[1]["memory_limit_bytes"].is_null());
  EXPECT_EQ(list[0]["pids"], 2);
  EXPECT_EQ(list[0]["pids_limit"], 30);
  EXPECT_THAT(sandbox.call({"stats", "--no-stream"}).out,
              AllOf(HasSubstr("CPU"), HasSubstr("/ 64.0MiB")));
  EXPECT_EQ(sandbox.call({"stats", "--no-stream", "--format", "{name} {pids_limit}", "one"}).out,
            "one 30\n");
  EXPECT_EQ(sandbox.call({"stats", "--no-stream", "--format", "{nonsense}"}).code, 2);
  ASSERT_EQ(sandbox.call({"stop", "--time", "0", "two"}).code, 0);
  const Ended partly = sandbox.call({"stats", "--no-stream", "two", "one", "none"});
  EXPECT_EQ(partly.code, 1);
  EXPECT_THAT(partly.out, AllOf(HasSubstr("one"), Not(HasSubstr("two"))));
  EXPECT_THAT(partly.err, AllOf(HasSubstr("it is stopped"), HasSubstr("'none'")));
}

TEST_P(RunningOnes, AStreamOfFiguresGoesToTheEnd) {
  NUCLEUS_NEED_CGROUP();
  start("one", kIdle);
  Running stream = sandbox.start({"stats", "--json", "one"});
  ASSERT_TRUE(stream.wait_for("]\n["));
  ASSERT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
  EXPECT_EQ(stream.wait().code, 0);
}

TEST_P(RunningOnes, ProcessesAreShownFromBothSides) {
  start("one", "sleep 1000 & wait; : \x1b[31mred");
  ASSERT_EQ(sandbox.call({"exec", "--detach", "one", "sleep", "2000"}).code, 0);
  ASSERT_TRUE(eventually([&] {
    const std::string out = sandbox.call({"top", "one"}).out;
    return out.find(" sleep 1000") != std::string::npos &&
           out.find(" sleep 2000") != std::string::npos;
  }));
  const Ended shown = sandbox.call({"top", "one"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("HPID"), HasSubstr("root"), HasSubstr("red")));
  EXPECT_THAT(shown.out, Not(HasSubstr("\x1b")));
  const auto list = nlohmann::json::parse(sandbox.call({"top", "--json", "one"}).out);
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0]["pid"], 1);
  EXPECT_EQ(std::to_string(list[0]["host_pid"].get<int>()), about("one", "pid"));
  EXPECT_EQ(list[1]["parent"], 1);
  EXPECT_EQ(list[3]["parent"], 0);  // its parent is outside
  EXPECT_EQ(list[3]["user"], "root");
  const Ended chosen = sandbox.call({"top", "one", "pid,user", "comm"});
  EXPECT_THAT(chosen.out, AllOf(HasSubstr("PID   USER   COMM"), Not(HasSubstr("HPID"))));
  const Ended wrong = sandbox.call({"top", "one", "nonsense"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("hpid"));
  ASSERT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  const Ended ended = sandbox.call({"top", "one"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("it is stopped"));
}

}  // namespace
}  // namespace nucleus::test
