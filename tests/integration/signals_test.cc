// Signals, interrupts, and nucleus being killed at any moment.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

NUCLEUS_SUITE(Signals);

TEST_P(Signals, ArePassedOn) {
  Running running =
      sandbox.start({"run", "--", "bash", "-c",
                     "trap 'echo got; exit 5' USR1; echo up; while :; do sleep 0.05; done"});
  ASSERT_TRUE(running.wait_for("up"));
  running.send(SIGUSR1);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.code, 5) << ended.all();
}

// Not a shell: one that is interrupted between two commands goes on with the next.
TEST_P(Signals, CtrlCEndsAProgramAtOnce) {
  for (const char* init : {"--init", "--no-init"}) {
    Running running =
        sandbox.start({"run", init, "--", "perl", "-e", "$| = 1; print qq(up\n); sleep 1000"});
    ASSERT_TRUE(running.wait_for("up"));
    running.send(SIGINT);
    EXPECT_EQ(running.wait().code, 130) << init;
  }
}

TEST_P(Signals, SigtermEndsAProgramWithoutAHandler) {
  Running running =
      sandbox.start({"run", "--no-init", "--", "perl", "-e", "$| = 1; print qq(up\n); sleep 1000"});
  ASSERT_TRUE(running.wait_for("up"));
  running.send(SIGTERM);
  EXPECT_EQ(running.wait().code, 143);
}

TEST_P(Signals, ACopyCanBeInterrupted) {
  sandbox.make_directory("ctx");
  for (int index = 0; index < 3000; ++index) sandbox.write("ctx/f" + std::to_string(index), "x");
  Running running = sandbox.start({"run", "--context", sandbox.home() + "/ctx", "--", "perl", "-e",
                                   "$| = 1; print qq(up\n); sleep 1000"});
  running.send(SIGINT);
  EXPECT_EQ(running.wait().code, 130);
}

TEST_P(Signals, KillingNucleusAtAnyMomentEndsTheWorkload) {
  sandbox.make_directory("ctx");
  for (int index = 0; index < 50; ++index) sandbox.write("ctx/f" + std::to_string(index), "x");
  // From before the first step until well after the last: the moments differ by a fraction of a
  // start's length.
  for (int step = 0; step < 40; ++step) {
    Running running = sandbox.start(
        {"run", "--json", "--context", sandbox.home() + "/ctx", "--", "sleep", "7264"});
    ::usleep(static_cast<useconds_t>(step) * 300);
    running.send(SIGKILL);
    (void)running.wait();
  }
  EXPECT_TRUE(eventually([] { return ::system("pgrep -f 'sleep 726[4]' >/dev/null") != 0; }));
  EXPECT_TRUE(eventually([] { return running_inits().empty(); }));
  // What the dead ones left is cleared by those who come next.
  EXPECT_TRUE(eventually([&] {
    (void)sandbox.run({"--", "true"});
    return sandbox.recorded().empty();
  }));
  EXPECT_TRUE(container_cgroups().empty()) << testing::PrintToString(container_cgroups());
}

TEST_P(Signals, PruneClearsWhatManyKilledOnesHaveLeft) {
  Running alive = sandbox.start({"run", "--", "sh", "-c", "echo up; exec sleep 7266"});
  ASSERT_TRUE(alive.wait_for("up"));
  constexpr int kMany = 24;  // more than a start looks at
  for (int index = 0; index < kMany; ++index) {
    Running running = sandbox.start({"run", "--json", "--name", "n" + std::to_string(index), "--",
                                     "sh", "-c", "echo up; exec sleep 7266"});
    ASSERT_TRUE(running.wait_for("up"));
    running.send(SIGKILL);
    (void)running.wait();
  }
  EXPECT_TRUE(eventually([] { return running_inits().size() == 1; }));
  const Ended pruned = sandbox.call({"prune"});
  EXPECT_EQ(pruned.code, 0) << pruned.all();
  EXPECT_THAT(pruned.out, testing::HasSubstr(", left 1\n"));
  EXPECT_EQ(sandbox.recorded().size(), 1U);
  EXPECT_EQ(sandbox.run({"--name", "n3", "true"}).code, 0);
  EXPECT_TRUE(container_cgroups().empty()) << testing::PrintToString(container_cgroups());
  alive.send(SIGTERM);
  EXPECT_EQ(alive.wait().code, 143);
  EXPECT_EQ(sandbox.call({"prune"}).out, "cleared 0, left 0\n");
  EXPECT_EQ(sandbox.call({"prune", "--nonsense"}).code, 2);
}

TEST_P(Signals, KillingTheInitEndsTheContainer) {
  Running running = sandbox.start({"run", "--", "sh", "-c", "echo up; exec sleep 7265"});
  ASSERT_TRUE(running.wait_for("up"));
  const auto inits = running_inits();
  ASSERT_EQ(inits.size(), 1U);
  // The command may speak before its init has said that it was started: then nobody knows that it
  // was. From then on the init sleeps.
  ASSERT_TRUE(eventually([&] {
    std::ifstream stat("/proc/" + std::to_string(inits.front()) + "/stat");
    std::string word;
    stat >> word >> word >> word;
    return word == "S";
  }));
  ASSERT_EQ(::kill(inits.front(), SIGKILL), 0);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.code, 137) << ended.all();
}

}  // namespace
}  // namespace nucleus::test
