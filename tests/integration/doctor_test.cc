// `nucleus doctor` in situations of which it is known what it must find.
#include <unistd.h>

#include <filesystem>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

class Doctor : public ForEverybody {
 protected:
  // Where nothing but Landlock is left, it depends on its ABI whether anything can run.
  static constexpr int kByLandlock = -1;

  nlohmann::json examine(int code = 0, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> words = {"doctor", "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    const Ended ended = sandbox.call(words);
    const nlohmann::json report = ended.json();
    if (code == kByLandlock) {
      code = report["landlock_abi"] >= 6 ? 0 : 1;
      EXPECT_EQ(report["isolation"], code == 0 ? "landlock" : "none");
    }
    EXPECT_EQ(ended.code, code) << ended.all();
    return report;
  }
  static nlohmann::json item(const nlohmann::json& report, const std::string& id) {
    for (const auto& each : report["items"]) {
      if (each["id"] == id) return each;
    }
    ADD_FAILURE() << "no item " << id << " in " << report.dump(1);
    return {};
  }
};
INSTANTIATE_TEST_SUITE_P(As, Doctor, testing::ValuesIn(everybody()), name_of);

TEST_P(Doctor, FindsWhatTheOtherTestsRunWith) {
  const nlohmann::json report = examine();
  for (const char* const id : {"kernel", "clone3", "openat2", "pidfd", "mount-api", "mount-setattr",
                               "seccomp", "user-namespaces", "state-root"}) {
    EXPECT_EQ(item(report, id)["status"], "ok") << item(report, id);
  }
  EXPECT_GE(report["landlock_abi"], 1);
  EXPECT_EQ(report["can_run"], true);
  EXPECT_EQ(report["uid"] == 0, sandbox.is_root());
  EXPECT_THAT((std::vector<std::string>{"full", "rootless", "rootless-single-id"}),
              testing::Contains(report["isolation"]));
  EXPECT_EQ(item(report, "cgroup-limits")["status"] != "blocked", limits_work(GetParam()));
}

TEST_P(Doctor, SaysTheSameToAPersonWithoutColour) {
  const Ended ended = sandbox.call({"doctor"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, testing::AllOf(HasSubstr("user-namespaces"), HasSubstr("\nisolation: "),
                                        testing::Not(HasSubstr("\x1b"))));
}

TEST_P(Doctor, LeavesNothingBehind) {
  (void)examine();
  EXPECT_FALSE(std::filesystem::exists(sandbox.state()));
  EXPECT_TRUE(container_cgroups().empty());
}

TEST_P(Doctor, TellsTheTruthInsideOfNucleus) {
  const Ended ended =
      sandbox.run({"-v", nucleus_path() + ":/nucleus", "-e", "NUCLEUS_STATE_DIR=/tmp/state", "--",
                   "/nucleus", "doctor", "--json"});
  const nlohmann::json report = ended.json();
  EXPECT_EQ(ended.code, report["landlock_abi"] >= 6 ? 0 : 1) << ended.all();
  EXPECT_EQ(item(report, "user-namespaces")["status"], "blocked");
  EXPECT_THAT(item(report, "user-namespaces")["found"], HasSubstr("seccomp filter"));
  EXPECT_THAT(item(report, "container")["found"], HasSubstr("nucleus"));
  EXPECT_EQ(item(report, "seccomp")["status"], "ok");
  EXPECT_EQ(report["isolation"], report["landlock_abi"] >= 6 ? "landlock" : "none");
}

TEST_P(Doctor, BlamesTheFilterOfAContainerAroundUs) {
  sandbox.through = {guest("under_filter")};
  const nlohmann::json report = examine(kByLandlock);
  EXPECT_EQ(item(report, "clone3")["status"], "blocked");
  const nlohmann::json blocked = item(report, "user-namespaces");
  EXPECT_EQ(blocked["status"], "blocked");
  EXPECT_THAT(blocked["found"], HasSubstr("seccomp filter"));
  EXPECT_THAT(item(report, "restrictions")["found"], HasSubstr("refuses user namespaces"));
  EXPECT_EQ(report["levels"]["rootless"], "clone3");
}

TEST_P(Doctor, BlamesTheSysctlThatIsNought) {
  sandbox.through = {"unshare", "-Ur", "sh", "-c",
                     "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\""};
  const nlohmann::json blocked = item(examine(kByLandlock), "user-namespaces");
  EXPECT_EQ(blocked["status"], "blocked");
  EXPECT_THAT(blocked["found"], HasSubstr("user.max_user_namespaces is 0"));
  EXPECT_THAT(blocked["fix"], HasSubstr("sysctl -w user.max_user_namespaces="));
}

TEST_P(Doctor, BlamesTheSysctlOfAnotherKindOfNamespace) {
  sandbox.through = {"unshare", "-Ur", "sh", "-c",
                     "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$0\" \"$@\""};
  EXPECT_THAT(item(examine(kByLandlock), "user-namespaces")["found"],
              HasSubstr("user.max_net_namespaces is 0"));
}

TEST_P(Doctor, MendsTheSysctlWithFix) {
  sandbox.through = {"unshare", "-Ur", "sh", "-c",
                     "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$0\" \"$@\""};
  const Ended ended = sandbox.call({"doctor", "--json", "--fix"});
  const nlohmann::json fixes = ended.json()["fixes"];
  ASSERT_EQ(fixes.size(), 1U) << ended.all();
  EXPECT_EQ(fixes[0]["command"], "sysctl -w user.max_net_namespaces=15000");
  EXPECT_EQ(fixes[0]["code"], 0);
  EXPECT_THAT(ended.err, HasSubstr("runs: sysctl -w user.max_net_namespaces=15000"));
  EXPECT_THAT(item(ended.json(), "user-namespaces")["found"],
              testing::Not(HasSubstr("max_net_namespaces")));
}

TEST_P(Doctor, BlamesTheChroot) {
  const std::string root = sandbox.home() + "/tree";
  sandbox.make_directory("tree");
  for (const char* const name : {"tree/proc", "tree/tmp"}) sandbox.make_directory(name);
  std::filesystem::copy_file(nucleus_path(), root + "/nucleus");
  sandbox.through = {"unshare", "-Urm", "sh", "-c",
                     "mount --rbind /proc '" + root + "/proc' && shift 0 && exec chroot '" + root +
                         "' /nucleus doctor --json --root /tmp/state"};
  const nlohmann::json report = examine(kByLandlock);
  const nlohmann::json blocked = item(report, "user-namespaces");
  EXPECT_EQ(blocked["status"], "blocked");
  EXPECT_THAT(blocked["found"], HasSubstr("chroot"));
  EXPECT_THAT(item(report, "container")["found"], HasSubstr("chroot"));
}

TEST_P(Doctor, NoNewPrivsIsWhatKeepsAUserFromHisIds) {
  sandbox.through = {"setpriv", "--no-new-privs"};
  const nlohmann::json report = examine();
  EXPECT_THAT(item(report, "restrictions")["found"], HasSubstr("no_new_privs"));
  if (sandbox.is_root()) return;
  EXPECT_EQ(item(report, "subordinate-ids")["status"], "blocked");
  EXPECT_THAT(item(report, "subordinate-ids")["found"], HasSubstr("no_new_privs"));
  EXPECT_EQ(report["isolation"], "rootless-single-id");
}

TEST_P(Doctor, SaysWhenNoRecordCanBeWritten) {
  const nlohmann::json report = examine(1, {"--root", "/dev/null/records"});
  EXPECT_EQ(report["can_run"], false);
  EXPECT_EQ(item(report, "state-root")["status"], "blocked");
  EXPECT_THAT(item(report, "state-root")["fix"], HasSubstr("--root"));
}

TEST_P(Doctor, RefusesAWrongCommandLine) {
  EXPECT_EQ(sandbox.call({"doctor", "--colour"}).code, 2);
  EXPECT_EQ(sandbox.call({"doctor", "--root", "relative"}).code, 2);
  const Ended help = sandbox.call({"doctor", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("--fix"));
}

}  // namespace
}  // namespace nucleus::test
