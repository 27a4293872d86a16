#include "container/ending.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace nucleus::container {
namespace {

spec::ContainerSpec limited() {
  spec::ContainerSpec spec;
  spec.resources.memory = ByteSize{64ULL << 20};
  spec.resources.pids = 64;
  spec.timeout = std::chrono::milliseconds(1500);
  return spec;
}

spec::Outcome judged(const EndFacts& facts) {
  spec::Outcome outcome;
  judge(limited(), facts, outcome);
  return outcome;
}

TEST(Judge, AnExitCodeIsPassedOn) {
  const auto outcome = judged({.status = {.code = 3}});
  EXPECT_EQ(outcome.reason, spec::Reason::exited);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.message, "");
}

TEST(Judge, ASignalIs128More) {
  const auto outcome = judged({.status = {.signal = SIGTERM}});
  EXPECT_EQ(outcome.reason, spec::Reason::signaled);
  EXPECT_EQ(outcome.code, 143);
  EXPECT_EQ(outcome.signal, SIGTERM);
}

TEST(Judge, SigsysIsSeccomp) {
  EXPECT_EQ(judged({.status = {.signal = SIGSYS}}).reason, spec::Reason::seccomp);
}

TEST(Judge, AShellWhoseChildWasKilledForMemoryIsOom) {
  const auto outcome = judged({.status = {.code = 137}, .counters = {.oom_kills = 1}});
  EXPECT_EQ(outcome.reason, spec::Reason::oom);
  EXPECT_EQ(outcome.limit, "--memory 64 MiB");
  EXPECT_NE(outcome.message.find("raise --memory"), std::string::npos);
}

TEST(Judge, AProgramThatCopedWithAKilledChildHasJustExited) {
  EXPECT_EQ(judged({.status = {.code = 0}, .counters = {.oom_kills = 1}}).reason,
            spec::Reason::exited);
  EXPECT_EQ(judged({.status = {.code = 0}, .counters = {.pids_refused = 9}}).reason,
            spec::Reason::exited);
}

TEST(Judge, FailureWithRefusedForksIsPids) {
  const auto outcome = judged({.status = {.code = 1}, .counters = {.pids_refused = 9}});
  EXPECT_EQ(outcome.reason, spec::Reason::pids);
  EXPECT_EQ(outcome.limit, "--pids 64");
}

TEST(Judge, TheTimeOutWinsOverWhatItsKillLooksLike) {
  const auto outcome = judged({.status = {.signal = SIGKILL},
                               .killed_for = KilledFor::timeout,
                               .counters = {.pids_refused = 4}});
  EXPECT_EQ(outcome.reason, spec::Reason::timeout);
  EXPECT_EQ(outcome.code, 137);
  EXPECT_EQ(outcome.limit, "--timeout 1500ms");
}

TEST(Judge, TheUnhealthyHaveAReasonOfTheirOwn) {
  const auto outcome = judged({.status = {.signal = SIGKILL}, .killed_for = KilledFor::unhealthy});
  EXPECT_EQ(outcome.reason, spec::Reason::unhealthy);
  EXPECT_EQ(outcome.code, 137);
  EXPECT_EQ(outcome.limit, "--health-retries 3");
}

TEST(Judge, WithoutAnInitTheUsersSignalIsTheOneThatIsReported) {
  const auto outcome =
      judged({.status = {.signal = SIGKILL}, .killed_for = KilledFor::signal, .signal = SIGINT});
  EXPECT_EQ(outcome.reason, spec::Reason::signaled);
  EXPECT_EQ(outcome.code, 130);
}

}  // namespace
}  // namespace nucleus::container
