// In front of containers that live without anybody: what is seen, typed, left, and come back to.
#include <signal.h>

#include <filesystem>

#include "live/live.h"
#include "support/screen.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Attach : public ForEverybodysContainers {
 protected:
  [[nodiscard]] Ended attach(std::vector<std::string> words) const {
    words.insert(words.begin(), "attach");
    return sandbox.call(words);
  }
};
INSTANTIATE_TEST_SUITE_P(As, Attach, testing::ValuesIn(everybody()), name_of);

constexpr const char* kTicks =
    "trap 'echo told; echo err >&2; exit 7' USR1 INT; while :; do echo tick; sleep 0.05; done";

TEST_P(Attach, WhatIsTypedGoesInAndBothStreamsComeOut) {
  start("one", "read a; echo got $a; echo err >&2; exit 7", {"--interactive"});
  sandbox.stdin_text = "hello\n";
  const Ended ended = attach({"one"});
  EXPECT_EQ(ended.code, 7) << ended.all();
  EXPECT_EQ(ended.out, "got hello\n");
  EXPECT_EQ(ended.err, "err\n");
  EXPECT_EQ(logs("one"), "got hello\n");
}

TEST_P(Attach, TheEndOfWhatOneTypesIsNotTheEndOfItsInput) {
  start("one", "read a; echo got $a; read b; echo got $b", {"--interactive"});
  sandbox.stdin_text = "first\n";
  {
    Running first = sandbox.start({"attach", "--sig-proxy=false", "one"});
    ASSERT_TRUE(first.wait_for("got first"));
    first.send(SIGTERM);
    EXPECT_EQ(first.wait().code, 143);
  }
  sandbox.stdin_text = "second\n";
  EXPECT_EQ(attach({"one"}).out, "got second\n");
}

TEST_P(Attach, SignalsAreHandedOnOrEndOnlyTheViewer) {
  start("one", kTicks, {"--log-driver", "none"});
  Running looking = sandbox.start({"attach", "--sig-proxy=false", "one"});
  ASSERT_TRUE(looking.wait_for("tick"));
  looking.send(SIGINT);
  EXPECT_EQ(looking.wait().code, 130);
  EXPECT_EQ(about("one", "status"), "running");
  Running front = sandbox.start({"attach", "one"});
  ASSERT_TRUE(front.wait_for("tick"));
  front.send(SIGINT);
  const Ended ended = front.wait();
  EXPECT_EQ(ended.code, 7) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("told\n"));
  EXPECT_EQ(ended.err, "err\n");
}

TEST_P(Attach, ManyMayLookAndOneMayType) {
  start("one", "while read a; do echo got $a; done", {"--interactive"});
  const Screen typing(sandbox, "$NUCLEUS attach one");
  ASSERT_TRUE(typing.answers("hello", "got hello"));
  const Ended second = attach({"one"});
  EXPECT_EQ(second.code, 2) << second.all();
  EXPECT_THAT(second.err, HasSubstr("--no-stdin"));
  Running looking = sandbox.start({"attach", "--no-stdin", "one"});
  ASSERT_TRUE(typing.answers("again", "got again"));
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_EQ(looking.wait().code, 137);
  EXPECT_TRUE(typing.shows("ended=137"));
}

TEST_P(Attach, AllOfALongOutputArrives) {
  start("one", "read a; seq 1 2000000; echo end", {"--interactive", "--log-driver", "none"});
  sandbox.stdin_text = "go\n";
  const Ended ended = attach({"one"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out.size(), 14888896U + 4U);
  EXPECT_TRUE(ended.out.ends_with("\n2000000\nend\n"));
}

TEST_P(Attach, WhoDoesNotReadNeverHoldsItUp) {
  start("one",
        "trap 'head -c 50000000 /dev/zero; exit 0' USR1; while :; do echo tick; sleep 0.05; done",
        {"--log-driver", "none"});
  Running asleep = sandbox.start({"attach", "one"});
  ASSERT_TRUE(asleep.wait_for("tick"));
  asleep.send(SIGSTOP);
  EXPECT_EQ(sandbox.call({"kill", "--signal", "USR1", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "0\n");
  asleep.send(SIGCONT);
  const Ended ended = asleep.wait();
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("not read in time"));
}

TEST_P(Attach, ViewersThatAreKilledLeaveNothing) {
  start("one", kTicks);
  const std::string files = "/proc/" + about("one", "supervisor") + "/fd";
  const auto open_files = [&] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(files)) ++count;
    return count;
  };
  const std::size_t before = open_files();
  for (int round = 0; round < 5; ++round) {
    Running viewer = sandbox.start({"attach", "one"});
    ASSERT_TRUE(viewer.wait_for("tick"));
    viewer.send(SIGKILL);
    viewer.wait();
  }
  EXPECT_TRUE(eventually([&] { return open_files() <= before; }));
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Attach, ATerminalIsLeftAndComeBackTo) {
  const Ended started =
      sandbox.run({"-d", "-it", "--name", "one", "-e", "PS1=> ", "--", "bash", "--norc"});
  ASSERT_EQ(started.code, 0) << started.all();
  {
    const Screen screen(sandbox, "$NUCLEUS attach one");
    ASSERT_TRUE(screen.answers("stty size; tty", "24 80\n/dev/pts/0"));
    screen.type({"value=$((6 * 7))", "Enter"});
    screen.type({"sleep 1000", "Enter", "C-c"});
    ASSERT_TRUE(screen.answers("echo code $?", "code 130"));
    screen.resize(100, 30);
    ASSERT_TRUE(screen.answers("stty size", "30 100"));
    screen.type({"C-p", "C-q"});
    ASSERT_TRUE(screen.shows("ended=0"));
    EXPECT_TRUE(screen.shows(" icanon"));
  }
  EXPECT_EQ(about("one", "status"), "running");
  const Screen again(sandbox, "$NUCLEUS attach --detach-keys ctrl-x,d one");
  ASSERT_TRUE(again.shows("code 130"));  // as it was left
  ASSERT_TRUE(again.answers("echo value $value", "value 42"));
  ASSERT_TRUE(again.answers("stty size", "24 80"));
  again.type({"exit 7", "Enter"});
  ASSERT_TRUE(again.shows("ended=7"));
  EXPECT_TRUE(again.shows(" icanon"));
}

TEST_P(Attach, WhoOnlyLooksOnATerminalCannotType) {
  const Ended started =
      sandbox.run({"-d", "-it", "--name", "one", "-e", "PS1=> ", "--", "bash", "--norc"});
  ASSERT_EQ(started.code, 0) << started.all();
  // The shell around it gets the key as well.
  const Screen screen(sandbox, "trap : INT; $NUCLEUS attach --no-stdin one");
  ASSERT_TRUE(screen.shows(">"));
  screen.type({"exit 9", "Enter", "C-c"});
  ASSERT_TRUE(screen.shows("ended=130"));
  EXPECT_EQ(about("one", "status"), "running");
  const Ended piped = attach({"one"});
  EXPECT_EQ(piped.code, 2);
  EXPECT_THAT(piped.err, HasSubstr("--no-stdin"));
}

TEST_P(Attach, WithACommandItIsExec) {
  start("one", "exec sleep 1000");
  const Ended ended = attach({"one", "--", "sh", "-c", "echo in $1; exit 5", "sh", "--no-stdin"});
  EXPECT_EQ(ended.code, 5) << ended.all();
  EXPECT_EQ(ended.out, "in --no-stdin\n");
}

TEST_P(Attach, NotToOneThatHasEndedNorWithOddKeys) {
  start("one", "true");
  ASSERT_TRUE(becomes("one", "stopped"));
  const Ended ended = attach({"one"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("does not run"));
  EXPECT_EQ(attach({"none"}).code, 2);
  EXPECT_EQ(attach({}).code, 2);
  const Ended keys = attach({"--detach-keys", "strg-p", "one"});
  EXPECT_EQ(keys.code, 2);
  EXPECT_THAT(keys.err, AllOf(HasSubstr("strg-p"), Not(HasSubstr("does not run"))));
}

}  // namespace
}  // namespace nucleus::test
