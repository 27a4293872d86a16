// Hosts that cannot give a layer: an error, unless --allow-degraded names it.
#include <sys/syscall.h>

#include <cerrno>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

NUCLEUS_SUITE(Degraded);

std::string notes(const Ended& ended) { return testing::PrintToString(ended.json()["notes"]); }

TEST_P(Degraded, AKernelWithoutLandlock) {
  if (::geteuid() != 0) GTEST_SKIP() << "taking a system call away needs root";
  sandbox.refused_calls = {{SYS_landlock_create_ruleset, ENOSYS}};
  const Ended refused = sandbox.run({"true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Landlock"), HasSubstr("--allow-degraded landlock")));
  EXPECT_EQ(sandbox.run({"--allow-degraded", "keyring", "true"}).code, 125);
  const Ended ended = sandbox.run({"--json", "--allow-degraded", "landlock", "true"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(notes(ended), HasSubstr("weakened: the kernel offers no Landlock"));
  EXPECT_EQ(ended.json()["layers"]["landlock"]["enforced"], false);
  EXPECT_EQ(ended.json()["layers"]["missing"], nlohmann::json({"landlock"}));
}

TEST_P(Degraded, AContainerAroundUsThatRefusesKeyrings) {
  if (::geteuid() != 0) GTEST_SKIP() << "taking a system call away needs root";
  sandbox.refused_calls = {{SYS_keyctl, EPERM}};
  const Ended refused = sandbox.run({"true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("--allow-degraded keyring"));
  const Ended ended = sandbox.run({"--json", "--allow-degraded", "keyring", "true"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(notes(ended), HasSubstr("keyring"));
  EXPECT_EQ(ended.json()["layers"]["missing"], nlohmann::json({"keyring"}));
}

TEST_P(Degraded, LimitsThatNobodyCanHold) {
  const Ended ended =
      sandbox.run({"--json", "--allow-degraded", "cgroup", "--memory", "64M", "--", "true"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  if (limits_work(GetParam())) {
    EXPECT_TRUE(ended.json()["layers"]["missing"].empty());
  } else {
    EXPECT_THAT(notes(ended), HasSubstr("weakened: --memory is not enforced"));
    EXPECT_EQ(ended.json()["layers"]["missing"], nlohmann::json({"cgroup"}));
  }
}

TEST_P(Degraded, WhatIsThereIsNotGivenUp) {
  const Ended ended = sandbox.run({"--json", "--allow-degraded", "landlock", "--allow-degraded",
                                   "keyring", "--allow-degraded", "cgroup", "true"});
  EXPECT_EQ(ended.json()["layers"]["landlock"]["enforced"], true) << ended.all();
  EXPECT_TRUE(ended.json()["layers"]["missing"].empty());
  const Ended unknown = sandbox.run({"--allow-degraded", "seccomp", "true"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("landlock, keyring and cgroup")));
}

}  // namespace
}  // namespace nucleus::test
