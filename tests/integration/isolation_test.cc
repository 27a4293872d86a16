// Each layer seen from inside, and the host seen to be untouched.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

NUCLEUS_SUITE(Isolation);

TEST_P(Isolation, EveryNamespaceIsAnother) {
  const Ended ended =
      sandbox.sh("for n in user pid mnt net uts ipc cgroup; do readlink /proc/self/ns/$n; done");
  ASSERT_EQ(ended.code, 0) << ended.all();
  std::istringstream lines(ended.out);
  int seen = 0;
  for (std::string link; std::getline(lines, link); ++seen) {
    const std::string name = link.substr(0, link.find(':'));
    EXPECT_NE(link, fs::read_symlink("/proc/self/ns/" + name).string());
  }
  EXPECT_EQ(seen, 7);
}

TEST_P(Isolation, OnlyItsOwnProcessesAreSeen) {
  const Ended ended = sandbox.sh("ls /proc | grep -c '^[0-9]'; cat /proc/1/comm");
  EXPECT_LE(std::atoi(ended.out.c_str()), 5) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("init"));
}

TEST_P(Isolation, OnlyALoopbackThatIsUp) {
  const Ended ended = sandbox.sh(
      "tail -n +3 /proc/net/dev | wc -l; cat /sys/class/net/lo/operstate /sys/class/net/lo/flags");
  EXPECT_EQ(ended.out, "1\nunknown\n0x9\n") << ended.all();
}

TEST_P(Isolation, StatusShowsNoPrivilegeLeft) {
  const Ended ended = sandbox.sh("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
  EXPECT_THAT(ended.out, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(ended.out, HasSubstr("Seccomp:\t2"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(ended.out, HasSubstr(std::string(set) + ":\t0000000000000000"));
  }
}

TEST_P(Isolation, ASessionAndLimitsOfItsOwn) {
  const Ended ended = sandbox.sh("ps -o sid= -p 1; ulimit -Sn; ulimit -c; ulimit -Hc");
  EXPECT_THAT(ended.out, HasSubstr("1\n1024\n0\n0\n")) << ended.all();
}

TEST_P(Isolation, TwoContainersOfRootShareNoIds) {
  if (!sandbox.is_root())
    return;  // an ordinary user has one range: user_test of id_map shows what is done with it
  Running first =
      sandbox.start({"run", "--", "sh", "-c", "cat /proc/self/uid_map; echo up; sleep 1000"});
  ASSERT_TRUE(first.wait_for("up"));
  const Ended second = sandbox.sh("cat /proc/self/uid_map");
  first.send(SIGTERM);
  const Ended ended = first.wait();
  const auto base = [](const std::string& map) {
    std::istringstream words(map);
    long inside = -1, outside = -1, count = 0;
    words >> inside >> outside >> count;
    EXPECT_EQ(inside, 0);
    EXPECT_EQ(count, 65536);
    EXPECT_GE(outside, 65536);
    return outside;
  };
  EXPECT_GE(std::abs(base(ended.out) - base(second.out)), 65536);
}

TEST_P(Isolation, AUserWithoutSubordinateIdsGetsOneId) {
  // A uid that no file knows: nobody has given it subordinate ids.
  if (::geteuid() != 0 || !sandbox.is_root()) return;
  const std::string script =
      "cd / && umask 022 && mkdir -m 700 /tmp/nucleus-one-$$ && chown 54321 /tmp/nucleus-one-$$ && "
      "NUCLEUS_STATE_DIR=/tmp/nucleus-one-$$/s setpriv --reuid 54321 --regid 54321 "
      "--clear-groups " +
      nucleus_path() +
      " run --json --user 7:8 -- sh -c 'id -u; id -g; cat /proc/self/uid_map'; "
      "code=$?; rm -r /tmp/nucleus-one-$$; exit $code";
  FILE* const pipe = ::popen(script.c_str(), "r");
  std::string text;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) text += line;
  EXPECT_EQ(::pclose(pipe), 0) << text;
  EXPECT_THAT(text, testing::StartsWith("7\n8\n"));
  EXPECT_THAT(text, testing::ContainsRegex("7 +54321 +1"));
  EXPECT_THAT(text, HasSubstr("one id"));
}

TEST_P(Isolation, TheHostsNetworkOnlyWhenItIsAllowed) {
  const std::string own = fs::read_symlink("/proc/self/ns/net").string();
  const Ended ended = sandbox.run(
      {"--network", "host", "--allow-host-network", "--", "readlink", "/proc/self/ns/net"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, own + "\n");
}

TEST_P(Isolation, TheHostsIdsOnlyForRootWhoAsks) {
  if (!sandbox.is_root()) return;  // BadFlags.TheHostsIdsAreForRootOnly
  const Ended ended =
      sandbox.run({"--json", "--userns", "host", "--", "readlink", "/proc/self/ns/user"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr(fs::read_symlink("/proc/self/ns/user").string()));
  EXPECT_EQ(ended.json()["layers"]["capabilities"], "0");
  EXPECT_THAT(ended.json()["notes"].dump(), HasSubstr("weakened"));
}

TEST_P(Isolation, SetuidProgramsGiveNothing) {
  const Ended ended = sandbox.sh(
      "cp /usr/bin/id /tmp/id; chmod 4755 /tmp/id 2>/dev/null; su -c id nobody; /tmp/id -u",
      {"--user", "1000"});
  EXPECT_THAT(ended.out, HasSubstr("1000")) << ended.all();
  EXPECT_THAT(ended.out, testing::Not(HasSubstr("uid=0")));
}

TEST_P(Isolation, TheKeyringIsAnother) {
  const Ended ended = sandbox.sh("cat /proc/keys | wc -l");
  EXPECT_EQ(ended.out, "0\n") << ended.all();
}

}  // namespace
}  // namespace nucleus::test
