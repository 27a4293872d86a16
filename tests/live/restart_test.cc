// nucleus restart: ended as by stop, and run again by the same supervisor.
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kEndsPolitely =
    "trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.05; done";

NUCLEUS_LIVE_SUITE(Restart);

TEST_P(Restart, TheSameSupervisorRunsItAgain) {
  start("one", kEndsPolitely, {"--rm"});
  ASSERT_TRUE(says("one", "up"));
  const std::string pid = about("one", "pid");
  const std::string supervisor = about("one", "supervisor");
  const Ended ended = sandbox.call({"restart", "one"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "one\n");
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_NE(about("one", "pid"), pid);
  EXPECT_EQ(about("one", "supervisor"), supervisor);
  EXPECT_EQ(about("one", "restarts"), "0");
  EXPECT_TRUE(eventually([&] { return logs("one") == "up\ntold\nup\n"; })) << logs("one");
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Restart, WhoDoesNotEndInTimeIsKilled) {
  start("one", "trap 'echo told' TERM INT; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(says("one", "up"));
  EXPECT_EQ(sandbox.call({"restart", "--time", "200ms", "--signal", "INT", "one"}).code, 0);
  EXPECT_TRUE(eventually([&] { return logs("one") == "up\ntold\nup\n"; })) << logs("one");
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Restart, WhatDoesNotRunIsStarted) {
  start("ended", "exit 4");
  ASSERT_EQ(sandbox.call({"wait", "ended"}).out, "4\n");
  EXPECT_EQ(sandbox.call({"restart", "ended"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "ended"}).out, "4\n");

  ASSERT_EQ(sandbox.call({"create", "--name", "made", "--", "sleep", "1000"}).code, 0);
  EXPECT_EQ(sandbox.call({"restart", "made"}).code, 0);
  EXPECT_EQ(about("made", "status"), "running");

  start("lost", "exec sleep 1000");
  ASSERT_EQ(::kill(std::stoi(about("lost", "supervisor")), SIGKILL), 0);
  ASSERT_TRUE(becomes("lost", "lost"));
  EXPECT_EQ(sandbox.call({"restart", "lost"}).code, 0);
  EXPECT_EQ(about("lost", "status"), "running");

  // Its next start would come in a while.
  start("failing", "exit 3", {"--restart", "always"});
  ASSERT_TRUE(eventually([&] { return about("failing", "restarts") == "2"; }));
  EXPECT_EQ(sandbox.call({"restart", "failing"}).code, 0);
}

TEST_P(Restart, SeveralAtOnceAndEachErrorOfItsOwn) {
  start("one", "exec sleep 1000");
  start("two", "exec sleep 1000");
  const Ended ended = sandbox.call({"restart", "--time", "0", "one", "none", "two"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.out, "one\ntwo\n");
  EXPECT_THAT(ended.err, HasSubstr("none"));
  EXPECT_EQ(sandbox.call({"restart", "--signal", "NOSUCH", "one"}).code, 2);
}

TEST_P(Restart, TwoWhoAskAtOnceGetOneRun) {
  // The log tells when both have been heard: only then may it end.
  const std::string place = sandbox.home() + "/audit";
  sandbox.make_directory("audit");
  ASSERT_EQ(::chmod(place.c_str(), 0700), 0);
  const std::string log = place + "/audit.jsonl";
  sandbox.make_directory("flags");
  start("one", "trap '' TERM; echo up; while test ! -e /flags/go; do sleep 0.05; done; sleep 0.1",
        {"--audit-log", log, "-v", sandbox.home() + "/flags:/flags:ro"});
  ASSERT_TRUE(says("one", "up"));
  Running first = sandbox.start({"restart", "--time", "1m", "one"});
  Running second = sandbox.start({"restart", "--time", "1m", "one"});
  const auto told = [&](const std::string& event) {
    return sandbox
        .call({"audit", "--file", log, "--filter", "event=" + event, "--filter", "result=requested",
               "show"})
        .out;
  };
  ASSERT_TRUE(eventually([&] { return std::ranges::count(told("restart"), '\n') == 2; }));
  sandbox.write("flags/go", "");
  EXPECT_EQ(first.wait().code, 0);
  EXPECT_EQ(second.wait().code, 0);
  EXPECT_EQ(std::ranges::count(told("start"), '\n'), 2) << told("start");
}

TEST_P(Restart, AStopComesFirst) {
  start("one", "trap 'echo told' TERM; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(says("one", "up"));
  Running again = sandbox.start({"restart", "--time", "1m", "one"});
  ASSERT_TRUE(says("one", "told"));
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  const Ended ended = again.wait();
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("told to end before it ran again"));
  EXPECT_EQ(about("one", "status"), "stopped");
}

TEST_P(Restart, WaitsUntilItIsReadyAndSaysWhenItIsNot) {
  const std::string flag = sandbox.home() + "/flag";
  sandbox.make_directory("flag");
  sandbox.write("flag/good", "yes");
  start("one", "exec sleep 1000",
        {"-v", flag + ":/flag:ro", "--readiness-exec", "sleep 0.2; test -e /flag/good",
         "--readiness-timeout", "2s"});
  EXPECT_EQ(sandbox.call({"restart", "--time", "0", "one"}).code, 0);
  fs::remove(flag + "/good");
  const Ended late = sandbox.call({"restart", "--time", "0", "one"});
  EXPECT_EQ(late.code, 1);
  EXPECT_THAT(late.err, HasSubstr("--readiness-timeout"));
  // It was there before, and stays.
  EXPECT_TRUE(becomes("one", "stopped"));
}

TEST_P(Restart, AStartThatFailsIsToldAndKept) {
  const std::string data = sandbox.home() + "/data";
  sandbox.make_directory("data");
  start("one", "exec sleep 1000", {"-v", data + ":/data"});
  fs::remove(data);
  const Ended ended = sandbox.call({"restart", "--time", "0", "one"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("cannot"), HasSubstr(data)));
  EXPECT_TRUE(becomes("one", "failed"));
  sandbox.make_directory("data");
  EXPECT_EQ(sandbox.call({"restart", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
}

}  // namespace
}  // namespace nucleus::test
