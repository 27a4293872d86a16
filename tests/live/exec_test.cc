// Further commands in a running container: where they are, what they may, how they end.
#include <signal.h>

#include <filesystem>

#include "live/live.h"
#include "support/screen.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Exec : public ForEverybodysContainers {
 protected:
  [[nodiscard]] Ended exec(std::vector<std::string> words) const {
    words.insert(words.begin(), "exec");
    return sandbox.call(words);
  }
  [[nodiscard]] Ended sh(const std::string& name, const std::string& script) const {
    return exec({name, "sh", "-c", script});
  }
};
INSTANTIATE_TEST_SUITE_P(As, Exec, testing::ValuesIn(everybody()), name_of);

TEST_P(Exec, IsInEveryNamespaceAndAsSealedAsTheWorkload) {
  start("one",
        "for n in user pid mnt net uts ipc cgroup; do readlink /proc/self/ns/$n; done; "
        "grep -E 'Cap|NoNewPrivs|^Seccomp:|^Uid|^Groups' /proc/self/status; echo end; exec sleep "
        "1000",
        {"--hostname", "inside", "--ulimit", "nofile=77"});
  ASSERT_TRUE(says("one", "end"));
  const std::string own = logs("one");
  const Ended ended =
      sh("one",
         "for n in user pid mnt net uts ipc cgroup; do readlink /proc/self/ns/$n; done; "
         "grep -E 'Cap|NoNewPrivs|^Seccomp:|^Uid|^Groups' /proc/self/status; echo end");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, own);
  EXPECT_EQ(sh("one", "hostname; ulimit -n; pwd; echo $HOME").out, "inside\n77\n/\n/root\n");
  EXPECT_THAT(sh("one", "mount -t tmpfs x /tmp; unshare -U true; cat /proc/kcore").err,
              AllOf(HasSubstr("mount"), HasSubstr("unshare")));
  EXPECT_EQ(sh("one", "ls /proc/self/fd | wc -l").out, "4\n");
}

TEST_P(Exec, StreamsAndExitCodesAreItsOwn) {
  start("one", "exec sleep 1000");
  sandbox.stdin_text = "typed\n";
  const Ended ended = sh("one", "cat; echo err >&2; exit 7");
  EXPECT_EQ(ended.code, 7);
  EXPECT_EQ(ended.out, "typed\n");
  EXPECT_EQ(ended.err, "err\n");
  EXPECT_EQ(sh("one", "kill -TERM $$").code, 143);
  const Ended missing = exec({"one", "no-such-program"});
  EXPECT_EQ(missing.code, 127);
  EXPECT_THAT(missing.err, HasSubstr("no-such-program"));
  EXPECT_EQ(exec({"one", "/etc/passwd"}).code, 126);
  EXPECT_EQ(exec({"one"}).code, 2);
  EXPECT_EQ(exec({"none", "true"}).code, 2);
}

TEST_P(Exec, EnvironmentDirectoryAndUser) {
  start("one", "exec sleep 1000", {"-e", "A=container", "-e", "B=container"});
  sandbox.env["FROM_CALLER"] = "caller";
  EXPECT_EQ(exec({"-e", "B=exec", "-e", "FROM_CALLER", "-w", "/tmp", "one", "--", "sh", "-c",
                  "echo $A $B $FROM_CALLER; pwd"})
                .out,
            "container exec caller\n/tmp\n");
  const Ended nowhere = exec({"-w", "/no/such", "one", "true"});
  EXPECT_EQ(nowhere.code, 125);
  EXPECT_THAT(nowhere.err, HasSubstr("/no/such"));
  EXPECT_EQ(exec({"-w", "relative", "one", "true"}).code, 2);
  EXPECT_EQ(exec({"-u", "1000:1001", "one", "sh", "-c", "id -u; id -g"}).out, "1000\n1001\n");
  EXPECT_EQ(exec({"-u", "nobody", "one", "id", "-u"}).out, "65534\n");
  EXPECT_EQ(exec({"-u", "nosuchuser", "one", "true"}).code, 2);
  // 2^32 - 1 means "no change" to the kernel: it must never be taken for a user.
  EXPECT_EQ(exec({"-u", "4294967295", "one", "true"}).code, 2);
}

TEST_P(Exec, ItsTimeIsItsOwnAndItsWholeTreeGoes) {
  start("one", "sleep 4242 & exec sleep 1000");
  const Ended ended =
      exec({"--timeout", "500ms", "one", "sh", "-c", "sleep 777 & sleep 778 & sleep 779"});
  EXPECT_EQ(ended.code, 124) << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("--timeout"));
  EXPECT_TRUE(
      eventually([&] { return sh("one", "ps ax").out.find("sleep 77") == std::string::npos; }));
  EXPECT_THAT(sh("one", "ps ax").out, AllOf(HasSubstr("sleep 1000"), HasSubstr("sleep 4242")));
}

TEST_P(Exec, WhenNobodyWaitsItsTreeGoes) {
  start("one", "exec sleep 1000");
  {
    Running running = sandbox.start({"exec", "one", "sh", "-c", "echo up; sleep 777 & sleep 778"});
    ASSERT_TRUE(running.wait_for("up"));
    running.send(SIGKILL);
    running.wait();
  }
  EXPECT_TRUE(
      eventually([&] { return sh("one", "ps ax").out.find("sleep 77") == std::string::npos; }));
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Exec, WhoForksWhileItIsKilledGoesAsWell) {
  start("one", "exec sleep 1000");
  for (int round = 0; round < 20; ++round) {
    Running running =
        sandbox.start({"exec", "one", "sh", "-c",
                       "echo up; for i in 1 2 3 4 5 6 7 8 9; do sleep 777 & done; wait"});
    ASSERT_TRUE(running.wait_for("up"));
    running.send(SIGKILL);
    // Comes back when the last one that holds its streams is gone.
    running.wait();
  }
  EXPECT_TRUE(
      eventually([&] { return sh("one", "ps ax").out.find("sleep 777") == std::string::npos; }));
}

TEST_P(Exec, SignalsAreHandedOn) {
  start("one", "exec sleep 1000");
  Running running =
      sandbox.start({"exec", "one", "sh", "-c",
                     "trap 'echo told; exit 9' TERM; echo up; while :; do sleep 0.05; done"});
  ASSERT_TRUE(running.wait_for("up"));
  running.send(SIGTERM);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.code, 9) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("told"));
}

TEST_P(Exec, ItMaySignalTheWorkload) {
  start("one", "trap 'echo told; exit 3' USR1; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(says("one", "up"));
  EXPECT_EQ(sh("one", "kill -USR1 2").code, 0);
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "3\n");
}

TEST_P(Exec, OneThatIsDetachedGoesOn) {
  start("one", "exec sleep 1000");
  EXPECT_EQ(exec({"--detach", "one", "sleep", "777"}).code, 0);
  EXPECT_THAT(sh("one", "ps ax").out, HasSubstr("sleep 777"));
}

TEST_P(Exec, EndsWithItsContainer) {
  start("one", "exec sleep 1000");
  Running running = sandbox.start({"exec", "one", "sh", "-c", "echo up; exec sleep 777"});
  ASSERT_TRUE(running.wait_for("up"));
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_EQ(running.wait().code, 137);
  const Ended after = exec({"one", "true"});
  EXPECT_EQ(after.code, 2);
  EXPECT_THAT(after.err, HasSubstr("does not run"));
}

TEST_P(Exec, NobodyIsLedIntoOneThatIsJustEnding) {
  for (int round = 0; round < 10; ++round) {
    start("one", "exec sleep 1000");
    EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
    const Ended ended = exec({"one", "true"});
    EXPECT_TRUE(ended.code == 2 || ended.code == 137 || ended.code == 0) << ended.all();
    EXPECT_EQ(sandbox.call({"rm", "--force", "one"}).code, 0);
  }
}

TEST_P(Exec, NotIntoOneThatIsOnlyCreated) {
  ASSERT_EQ(sandbox.call({"create", "--name", "one", "--", "true"}).code, 0);
  const Ended ended = exec({"one", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("created"));
}

TEST_P(Exec, ManyInARowLeaveNothing) {
  start("one", "exec sleep 1000");
  const std::string supervisor = "/proc/" + about("one", "supervisor");
  const auto open_files = [&] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(supervisor + "/fd"))
      ++count;
    return count;
  };
  ASSERT_EQ(exec({"one", "true"}).code, 0);
  const std::size_t before = open_files();
  for (int round = 0; round < 50; ++round) ASSERT_EQ(exec({"one", "true"}).code, 0);
  EXPECT_TRUE(eventually([&] { return open_files() <= before; }));
  EXPECT_EQ(sh("one", "set -- /proc/[0-9]*; echo $#").out, "3\n");  // init, sleep, sh
  for (const std::string& cgroup : container_cgroups())
    EXPECT_FALSE(std::filesystem::exists(cgroup + "/exec-1")) << cgroup;
}

TEST_P(Exec, ATerminalOfTheContainers) {
  start("one", "exec sleep 1000");
  const Screen screen(sandbox, "$NUCLEUS exec -it -e PS1='> ' one bash --norc");
  ASSERT_TRUE(screen.shows(">"));
  screen.type({"tty; stty size", "Enter"});
  ASSERT_TRUE(screen.shows("24 80"));
  screen.type({"sleep 1000", "Enter", "C-c"});
  ASSERT_TRUE(screen.answers("echo code $?", "code 130"));
  screen.resize(100, 30);
  ASSERT_TRUE(screen.answers("stty size", "30 100"));
  screen.type({"exit 7", "Enter"});
  ASSERT_TRUE(screen.shows("ended=7"));
  EXPECT_TRUE(screen.shows(" icanon"));
}

}  // namespace
}  // namespace nucleus::test
