// Containers that outlive the command that started them: from run --detach to rm.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

NUCLEUS_LIVE_SUITE(Detached);

TEST_P(Detached, ALifeFromStartToRemoval) {
  start("web", "echo out; echo err >&2; exec sleep 1000", {"--label", "tier=front"});
  EXPECT_TRUE(says("web", "out\n"));
  const Ended listed = sandbox.call({"ps", "--no-trunc"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("web"), HasSubstr("running"), HasSubstr("sleep 1000")));
  EXPECT_EQ(sandbox.call({"logs", "--stream", "stderr", "web"}).err, "err\n");
  EXPECT_THAT(sandbox.call({"logs", "--timestamps", "web"}).out, HasSubstr("Z out\n"));
  EXPECT_EQ(sandbox.call({"ps", "-q", "--filter", "label=tier=front"}).out.size(), 17U);
  EXPECT_EQ(sandbox.call({"ps", "-q", "--filter", "label=tier=back"}).out, "");
  const Ended busy = sandbox.call({"rm", "web"});
  EXPECT_EQ(busy.code, 1);
  EXPECT_THAT(busy.err, HasSubstr("--force"));
  const Ended stopped = sandbox.call({"stop", "web"});
  EXPECT_EQ(stopped.code, 0) << stopped.all();
  EXPECT_EQ(about("web", "status"), "stopped");
  EXPECT_EQ(about("web", "ending.code"), "143");
  EXPECT_EQ(sandbox.call({"ps", "--quiet"}).out, "");
  EXPECT_EQ(sandbox.call({"stop", "web"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "web"}).out, "143\n");
  EXPECT_EQ(sandbox.call({"rm", "web"}).code, 0);
  EXPECT_EQ(sandbox.call({"inspect", "web"}).code, 1);
}

TEST_P(Detached, TheCallerHearsWhatWentWrongAndNothingIsKept) {
  const Ended none = sandbox.run({"--detach", "--", "no-such-program"});
  EXPECT_EQ(none.code, 127) << none.all();
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("no-such-program"));
  const Ended source = sandbox.run({"--detach", "-v", "/no/such:/x", "--", "true"});
  EXPECT_EQ(source.code, 125);
  EXPECT_THAT(source.err, HasSubstr("/no/such"));
  EXPECT_EQ(sandbox.run({"--detach", "--memory", "lots", "--", "true"}).code, 2);
  EXPECT_EQ(sandbox.run({"--detach", "--json", "--", "true"}).code, 2);
  EXPECT_EQ(sandbox.run({"--restart", "always", "--", "true"}).code, 2);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Detached, ItOutlivesItsCallerAndHasNothingOfItOpen) {
  start("one", "ls -l /proc/self/fd; exec sleep 1000");
  ASSERT_TRUE(says("one", "-> "));
  EXPECT_THAT(logs("one"), Not(HasSubstr(" 4 -> ")));
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Detached, CreatedIsNotStarted) {
  const Ended created =
      sandbox.call({"create", "--name", "one", "--", "sh", "-c", "echo ran; exit 5"});
  ASSERT_EQ(created.code, 0) << created.all();
  EXPECT_EQ(about("one", "status"), "created");
  EXPECT_EQ(logs("one"), "");
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "5\n");
  EXPECT_EQ(logs("one"), "ran\n");
  EXPECT_EQ(sandbox.call({"start", "one"}).out, "one\n");
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "5\n");
  EXPECT_EQ(logs("one"), "ran\nran\n");
  ASSERT_EQ(
      sandbox.call({"create", "--name", "two", "--no-init", "--", "sh", "-c", "echo $$"}).code, 0);
  EXPECT_EQ(sandbox.call({"start", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "two"}).out, "0\n");
  EXPECT_EQ(logs("two"), "1\n");
  ASSERT_EQ(sandbox.call({"create", "--name", "three", "--", "no-such-program"}).code, 0);
  const Ended missing = sandbox.call({"start", "three"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("no-such-program"));
  EXPECT_TRUE(becomes("three", "failed"));
}

TEST_P(Detached, NamesAreTakenOnceAndCanBeChanged) {
  start("one", "exec sleep 1000");
  start("two", "exec sleep 1000");
  const Ended again = sandbox.run({"-d", "--name", "one", "--", "true"});
  EXPECT_EQ(again.code, 125);
  EXPECT_THAT(again.err, HasSubstr("has it"));
  EXPECT_EQ(sandbox.run({"--name", "one", "--", "true"}).code, 125);
  EXPECT_EQ(sandbox.call({"rename", "one", "two"}).code, 1);
  EXPECT_EQ(sandbox.call({"rename", "one", "../x"}).code, 2);
  ASSERT_EQ(sandbox.call({"rename", "one", "three"}).code, 0);
  EXPECT_EQ(about("three", "name"), "three");
  EXPECT_EQ(sandbox.call({"inspect", "one"}).code, 1);
  EXPECT_EQ(sandbox.run({"--name", "one", "--", "true"}).code, 0);
}

TEST_P(Detached, SeveralAtOnceAndEachErrorOfItsOwn) {
  start("one", "exec sleep 1000");
  start("two", "exec sleep 1000");
  const Ended ended = sandbox.call({"kill", "one", "none", "two"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.out, "one\ntwo\n");
  EXPECT_THAT(ended.err, HasSubstr("'none'"));
  EXPECT_TRUE(becomes("one", "stopped"));
  EXPECT_TRUE(becomes("two", "stopped"));
}

TEST_P(Detached, ASignalReachesTheWorkload) {
  start("one",
        "trap 'echo got hup' HUP; trap 'echo got term; exit 9' TERM; echo ready; while :; do sleep "
        "0.1; done");
  ASSERT_TRUE(says("one", "ready"));
  EXPECT_EQ(sandbox.call({"kill", "--signal", "hup", "one"}).code, 0);
  EXPECT_TRUE(says("one", "got hup"));
  EXPECT_EQ(sandbox.call({"kill", "--signal", "nonsense", "one"}).code, 2);
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "ending.code"), "9");
}

TEST_P(Detached, WhoDoesNotEndInTimeIsKilled) {
  start("one", "trap '' TERM; echo ready; while :; do sleep 0.1; done",
        {"--stop-timeout", "300ms"});
  ASSERT_TRUE(says("one", "ready"));
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "ending.code"), "137");
}

TEST_P(Detached, FailuresAreStartedAgainAsOftenAsToldTo) {
  start("one", "echo run; exit 3", {"--restart", "on-failure:2"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "3\n");
  EXPECT_EQ(logs("one"), "run\nrun\nrun\n");
  EXPECT_EQ(about("one", "restarts"), "2");
  start("two", "echo run; exit 0", {"--restart", "on-failure"});
  EXPECT_EQ(sandbox.call({"wait", "two"}).out, "0\n");
  EXPECT_EQ(about("two", "restarts"), "0");
  start("three", "exit 0", {"--restart", "always"});
  EXPECT_TRUE(eventually([&] { return about("three", "restarts") >= "2"; }));
  EXPECT_EQ(sandbox.call({"stop", "three"}).code, 0);
  EXPECT_EQ(about("three", "status"), "stopped");
}

TEST_P(Detached, ALimitThatEndsItIsTold) {
  start("one", "sleep 1000", {"--timeout", "300ms"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "137\n");
  EXPECT_EQ(about("one", "ending.reason"), "timeout");
  EXPECT_THAT(about("one", "ending.message"), HasSubstr("--timeout"));
}

TEST_P(Detached, WithoutItsSupervisorItIsGoneAndSaidToBeLost) {
  start("one", "exec sleep 1000");
  const pid_t supervisor = std::stoi(about("one", "supervisor"));
  const pid_t init = std::stoi(about("one", "pid"));
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  EXPECT_TRUE(becomes("one", "lost"));
  EXPECT_TRUE(eventually([&] { return has_ended(init); }));
  EXPECT_THAT(sandbox.call({"ps", "--all"}).out, HasSubstr("lost"));
  const Ended reached = sandbox.call({"kill", "one"});
  EXPECT_EQ(reached.code, 1);
  EXPECT_THAT(reached.err, HasSubstr("does not run"));
  // Its record can be taken up again.
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
}

TEST_P(Detached, RecordsThatCannotBeReadHideNoOthers) {
  start("one", "true");
  start("two", "true");
  ASSERT_TRUE(becomes("one", "stopped"));
  ASSERT_TRUE(becomes("two", "stopped"));
  const std::string record = directory("one") + "/record.json";
  for (const char* text : {"", "{\"version\":99}", "nonsense"}) {
    std::ofstream(record) << text;
    const Ended list = sandbox.call({"ps", "--all"});
    EXPECT_EQ(list.code, 0);
    EXPECT_THAT(list.out, AllOf(HasSubstr("two"), HasSubstr("unreadable")));
    EXPECT_THAT(list.err, HasSubstr(record));
  }
  EXPECT_EQ(sandbox.call({"rm", "one"}).code, 1);
  EXPECT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
}

TEST_P(Detached, NothingIsKeptOfOneThatIsToBeRemoved) {
  start("one", "sleep 0.1", {"--rm"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "0\n");
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Detached, ALogIsFollowedToItsEnd) {
  start("one", "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done");
  const Ended followed = sandbox.call({"logs", "--follow", "one"});
  EXPECT_EQ(followed.out, "line 1\nline 2\nline 3\nline 4\nline 5\n");
  EXPECT_EQ(sandbox.call({"logs", "--tail", "2", "one"}).out, "line 4\nline 5\n");
  EXPECT_EQ(sandbox.call({"logs", "--since", "2999-01-01", "one"}).out, "");
  start("two", "echo unheard", {"--log-driver", "none"});
  const Ended none = sandbox.call({"logs", "two"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("--log-driver none"));
}

TEST_P(Detached, AnEndlessLogStaysWithinItsFiles) {
  start("one",
        "i=0; while [ $i -lt 3000 ]; do echo some words to fill a log with $i; i=$((i+1)); done; "
        "echo end",
        {"--log-opt", "max-size=16K", "--log-opt", "max-file=2"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "0\n");
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory("one"))) {
    if (file.path().filename().string().starts_with("log.json")) bytes += file.file_size();
  }
  EXPECT_LE(bytes, 32U << 10);
  EXPECT_EQ(sandbox.call({"logs", "--tail", "1", "one"}).out, "end\n");
}

TEST_P(Detached, ATerminalWithoutAnybodyInFront) {
  start("one", "tty; stty size; echo end", {"--tty"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "0\n");
  EXPECT_EQ(logs("one"), "/dev/pts/0\r\n24 80\r\nend\r\n");
}

}  // namespace
}  // namespace nucleus::test
