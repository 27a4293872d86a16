// --supervisor systemd: the supervisor as a transient service. Where systemd runs, the real one.
#include <pwd.h>
#include <unistd.h>

#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Unit : public ForEverybodysContainers {
 protected:
  // Whether there is a manager for this user; the environment says where.
  bool has_manager() {
    std::error_code code;
    if (!std::filesystem::exists("/run/systemd/system", code)) return false;
    if (sandbox.is_root()) return true;
    const passwd* const user = ::getpwnam("nucleus-test");
    if (user == nullptr) return false;
    const std::string place = "/run/user/" + std::to_string(user->pw_uid);
    sandbox.env["XDG_RUNTIME_DIR"] = place;
    return std::filesystem::exists(place + "/systemd", code);
  }
  [[nodiscard]] std::string state_of(const std::string& id) const {
    std::string command = sandbox.is_root() ? "" : "XDG_RUNTIME_DIR=";
    if (!sandbox.is_root()) command += sandbox.env.at("XDG_RUNTIME_DIR") + " ";
    command += std::string("systemctl ") + (sandbox.is_root() ? "" : "--user ") +
               "is-active nucleus-" + id + " 2>&1";
    return said_by(command);
  }
};
INSTANTIATE_TEST_SUITE_P(As, Unit, testing::ValuesIn(everybody()), name_of);

constexpr const char* kNoManager = "no systemd manager of this user's: the systemd lane has both";

TEST_P(Unit, ALifeUnderTheManager) {
  if (!has_manager()) GTEST_SKIP() << kNoManager;
  start("one", "trap 'echo told; exit 7' TERM; echo up; while :; do sleep 0.05; done",
        {"--supervisor", "systemd", "--memory", "64M"});
  ASSERT_TRUE(says("one", "up"));
  const std::string id = about("one", "id");
  EXPECT_EQ(state_of(id), "active\n");
  EXPECT_THAT(about("one", "cgroups"), HasSubstr("/nucleus-" + id + ".service/nucleus-" + id));
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", "exit 5"}).code, 5);
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "ending.code"), "7");
  // Started again, it is a unit again, however soon.
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(state_of(id), "active\n");
  EXPECT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
  EXPECT_TRUE(eventually([&] { return state_of(id) == "inactive\n"; }));
}

TEST_P(Unit, TheManagersStopIsAStop) {
  if (!has_manager()) GTEST_SKIP() << kNoManager;
  start("one", "trap 'echo told; exit 7' TERM; echo up; while :; do sleep 0.05; done",
        {"--supervisor", "systemd", "--restart", "always"});
  ASSERT_TRUE(says("one", "up"));
  const std::string id = about("one", "id");
  if (sandbox.is_root()) {
    EXPECT_EQ(said_by("systemctl stop nucleus-" + id + " 2>&1"), "");
  } else {
    EXPECT_EQ(said_by("XDG_RUNTIME_DIR=" + sandbox.env.at("XDG_RUNTIME_DIR") +
                      " systemctl --user stop nucleus-" + id + " 2>&1"),
              "");
  }
  EXPECT_EQ(about("one", "status"), "stopped");
  EXPECT_EQ(about("one", "ending.code"), "7");
  EXPECT_TRUE(says("one", "told"));
}

TEST_P(Unit, AStartThatFailsIsToldAndLeavesNoUnit) {
  if (!has_manager()) GTEST_SKIP() << kNoManager;
  const Ended ended = sandbox.run({"--detach", "--supervisor", "systemd", "--", "no-such-program"});
  EXPECT_EQ(ended.code, 127);
  EXPECT_THAT(ended.err, HasSubstr("no-such-program"));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Unit, WithoutSystemdNothingStarts) {
  std::error_code code;
  if (std::filesystem::exists("/run/systemd/system", code)) GTEST_SKIP() << "systemd runs here";
  const Ended ended = sandbox.run({"--detach", "--supervisor", "systemd", "--", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("systemd does not run here"), HasSubstr("--supervisor")));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Unit, MistakesAreRefused) {
  EXPECT_EQ(sandbox.run({"--supervisor", "systemd", "--", "true"}).code, 2);
  EXPECT_EQ(sandbox.run({"--detach", "--supervisor", "other", "--", "true"}).code, 2);
  // The word by which nucleus calls itself is nothing that anybody can use.
  const Ended called = sandbox.call({"supervise-container"});
  EXPECT_EQ(called.code, 2);
  EXPECT_THAT(called.err, HasSubstr("nucleus run --detach"));
  EXPECT_NE(sandbox.call({"supervise-container", "nobody-listens-here"}).code, 0);
}

}  // namespace
}  // namespace nucleus::test
