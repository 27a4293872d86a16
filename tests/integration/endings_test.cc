// How things end: out of memory, out of processes, out of time, by a forbidden call; each told
// apart and explained.
#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

NUCLEUS_SUITE(Endings);

TEST_P(Endings, TooMuchMemoryIsOom) {
  if (!limits_work(GetParam())) return;  // flags_test shows that the limit is refused here
  const Ended ended = sandbox.run(
      {"--json", "--memory", "64M", "-v", guest("eat_memory") + ":/eat", "--", "/eat", "200"});
  EXPECT_EQ(ended.code, 137) << ended.all();
  const auto json = ended.json();
  EXPECT_EQ(json["reason"], "oom");
  EXPECT_EQ(json["limit"], "--memory 64 MiB");
  EXPECT_GE(json["oom_kills"].get<int>(), 1);
  EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("out of memory"), HasSubstr("raise --memory")));
  EXPECT_THAT(ended.out, testing::Not(HasSubstr("had all of it")));
}

TEST_P(Endings, OneProcessOfATreeTakesTheTreeWithIt) {
  if (!limits_work(GetParam())) return;
  const Ended ended = sandbox.run({"--json", "--memory", "64M", "-v", guest("eat_memory") + ":/eat",
                                   "--", "sh", "-c", "sleep 1000 & /eat 200; sleep 1000"});
  EXPECT_EQ(ended.json()["reason"], "oom") << ended.all();
}

TEST_P(Endings, EnoughMemoryIsEnough) {
  if (!limits_work(GetParam())) return;
  const Ended ended =
      sandbox.run({"--memory", "256M", "-v", guest("eat_memory") + ":/eat", "--", "/eat", "100"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "had all of it\n");
}

TEST_P(Endings, SwapIsNoWayAroundTheLimit) {
  if (!limits_work(GetParam())) return;
  const Ended ended = sandbox.run({"--json", "--memory", "32M", "--tmpfs", "/big:size=512M", "--",
                                   "sh", "-c", "head -c 200M /dev/zero > /big/file"});
  EXPECT_EQ(ended.json()["reason"], "oom") << ended.all();
}

TEST_P(Endings, AForkBombIsPids) {
  if (!limits_work(GetParam())) return;
  const Ended ended =
      sandbox.run({"--json", "--pids", "64", "-v", guest("fork_bomb") + ":/bomb", "--", "/bomb"});
  const auto json = ended.json();
  EXPECT_EQ(json["reason"], "pids") << ended.all();
  EXPECT_EQ(json["limit"], "--pids 64");
  EXPECT_THAT(ended.err,
              testing::AllOf(HasSubstr("too many processes"), HasSubstr("raise --pids")));
}

TEST_P(Endings, AShellsForkBombIsPids) {
  if (!limits_work(GetParam())) return;
  const Ended ended =
      sandbox.run({"--json", "--pids", "64", "--", "bash", "-c", "b() { b | b & }; b; sleep 1000"});
  EXPECT_EQ(ended.json()["reason"], "pids") << ended.code;
}

TEST_P(Endings, TheDefaultLimitHoldsABombToo) {
  const Ended ended = sandbox.run({"--", "bash", "-c",
                                   "for i in $(seq 600); do sleep 1000 2>/dev/null & done "
                                   "2>/dev/null; n=$(jobs -p | wc -l); echo $n"});
  // Either bash gave up when it was refused, or it counted fewer than it wanted.
  EXPECT_LT(std::atoi(ended.out.c_str()), 520) << ended.out;
}

TEST_P(Endings, TimeOutTakesAWholeTreeThatIgnoresSigterm) {
  const Ended ended =
      sandbox.run({"--json", "--timeout", "1", "--", "bash", "-c",
                   "trap '' TERM; (trap '' TERM; sleep 7261) & setsid sleep 7262 & sleep 7263"});
  EXPECT_EQ(ended.code, 137) << ended.all();
  EXPECT_EQ(ended.json()["reason"], "timeout");
  EXPECT_EQ(ended.json()["limit"], "--timeout 1");
  EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("time-out"), HasSubstr("raise --timeout")));
  EXPECT_NE(::system("pgrep -f 'sleep 726[123]' >/dev/null"), 0);
}

TEST_P(Endings, WithoutAnInitTheTimeOutHoldsToo) {
  const Ended ended = sandbox.run(
      {"--json", "--no-init", "--timeout", "500ms", "--", "sh", "-c", "sleep 1000 & sleep 1000"});
  EXPECT_EQ(ended.json()["reason"], "timeout") << ended.all();
}

TEST_P(Endings, AKilledCallIsSeccomp) {
  const Ended ended = sandbox.run(
      {"--json", "-v", guest("attack_probe") + ":/probe", "--", "/probe", "kexec_load"});
  // The probe tries in a child of its own and reports what happened to that.
  EXPECT_THAT(ended.out, HasSubstr("kexec_load killed SIGSYS")) << ended.all();
  const Ended direct = sandbox.run({"--json", "--", "python3", "-c",
                                    "import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, 0, 0)"});
  EXPECT_EQ(direct.json()["reason"], "seccomp") << direct.all();
  EXPECT_EQ(direct.code, 159);
}

TEST_P(Endings, CpuAndWeightAreSet) {
  if (!limits_work(GetParam())) return;
  const auto json = sandbox
                        .run({"--json", "--cpus", "0.2", "--cpu-weight", "50", "--", "sh", "-c",
                              "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"})
                        .json();
  EXPECT_EQ(json["code"], 0);
  // A fifth of a processor: the wall clock has run well ahead of the time that was used.
  EXPECT_GT(json["wall_usec"].get<double>(), 2.0 * json["cpu_usec"].get<double>());
}

TEST_P(Endings, NothingStaysInTheCgroupTree) {
  for (int round = 0; round < 5; ++round) (void)sandbox.run({"--json", "--", "true"});
  EXPECT_TRUE(container_cgroups().empty()) << testing::PrintToString(container_cgroups());
}

}  // namespace
}  // namespace nucleus::test
