// `nucleus run` as a user types it: exit codes, streams, environment, names.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

NUCLEUS_SUITE(Run);

TEST_P(Run, TheCommandsCodeIsOurs) {
  for (const int code : {0, 1, 3, 125, 255}) {
    EXPECT_EQ(sandbox.sh("exit " + std::to_string(code)).code, code);
    EXPECT_EQ(sandbox.sh("exit " + std::to_string(code), {"--no-init"}).code, code);
  }
}

TEST_P(Run, ASignalIs128More) {
  EXPECT_EQ(sandbox.sh("kill -TERM $$").code, 143);
  EXPECT_EQ(sandbox.sh("kill -KILL $$").code, 137);
}

TEST_P(Run, WhatIsMissingIs127AndWhatCannotRunIs126) {
  Ended ended = sandbox.run({"no-such-program"});
  EXPECT_EQ(ended.code, 127);
  EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("no-such-program"), HasSubstr("PATH")));
  ended = sandbox.run({"/no/such"});
  EXPECT_EQ(ended.code, 127);
  ended = sandbox.run({"/etc/passwd"});
  EXPECT_EQ(ended.code, 126);
  EXPECT_THAT(ended.err, HasSubstr("/etc/passwd"));
  ended = sandbox.run({"--no-init", "/etc/passwd"});
  EXPECT_EQ(ended.code, 126);
  ended = sandbox.run({"--no-init", "no-such-program"});
  EXPECT_EQ(ended.code, 127);
}

TEST_P(Run, StreamsPassThroughUntouched) {
  sandbox.stdin_text = "one\ntwo\n";
  const Ended ended = sandbox.sh("cat; printf 'to err' >&2");
  EXPECT_EQ(ended.out, "one\ntwo\n");
  EXPECT_EQ(ended.err, "to err");
}

TEST_P(Run, AMegabyteComesThroughWhole) {
  const Ended ended = sandbox.sh("head -c 1000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(ended.out, std::string(1000000, 'x'));
}

TEST_P(Run, TheEnvironmentIsOurOwn) {
  sandbox.env["SECRET"] = "of the host";
  sandbox.env["WANTED"] = "taken";
  const Ended ended = sandbox.run({"-e", "A=1", "-e", "A=2", "-e", "WANTED", "--", "env"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out, testing::Not(HasSubstr("SECRET")));
  EXPECT_THAT(ended.out, HasSubstr("A=2\n"));
  EXPECT_THAT(ended.out, testing::Not(HasSubstr("A=1\n")));
  EXPECT_THAT(ended.out, HasSubstr("WANTED=taken\n"));
  EXPECT_THAT(ended.out, HasSubstr("HOME=/root\n"));
}

TEST_P(Run, HostNameUserAndDirectory) {
  EXPECT_EQ(sandbox.run({"--hostname", "box", "--", "hostname"}).out, "box\n");
  EXPECT_EQ(sandbox.run({"--", "hostname"}).out, "nucleus\n");
  EXPECT_EQ(sandbox.run({"--name", "web", "--", "hostname"}).out, "web\n");
  EXPECT_EQ(sandbox.sh("id -u; id -g", {"--user", "1000:1001"}).out, "1000\n1001\n");
  EXPECT_EQ(sandbox.sh("id -u; id -g", {"--user", "1000", "--group", "7"}).out, "1000\n7\n");
  EXPECT_EQ(sandbox.run({"-w", "/usr/lib", "--", "pwd"}).out, "/usr/lib\n");
  EXPECT_EQ(sandbox.run({"-w", "/made/for/it", "--", "pwd"}).out, "/made/for/it\n");
}

TEST_P(Run, ANameIsTakenByOneAtATime) {
  Running first = sandbox.start({"run", "--name", "one", "--", "sh", "-c", "echo up; cat"});
  // Its standard input is at its end, so that it ends by itself: keep it up by a sleep instead.
  (void)first.wait();
  Running running =
      sandbox.start({"run", "--name", "one", "--", "sh", "-c", "echo up; sleep 1000"});
  ASSERT_TRUE(running.wait_for("up"));
  const Ended second = sandbox.run({"--name", "one", "--", "true"});
  EXPECT_EQ(second.code, 125);
  EXPECT_THAT(second.err, testing::AllOf(HasSubstr("one"), HasSubstr("--name")));
  running.send(SIGTERM);
  EXPECT_EQ(running.wait().code, 143);
  EXPECT_EQ(sandbox.run({"--name", "one", "--", "true"}).code, 0);
}

TEST_P(Run, JsonTellsTheLayersThatTheKernelShows) {
  const auto json =
      sandbox.run({"--json", "--name", "j", "--", "sh", "-c", "echo own output; exit 3"}).json();
  EXPECT_EQ(json["code"], 3);
  EXPECT_EQ(json["reason"], "exited");
  EXPECT_EQ(json["name"], "j");
  EXPECT_TRUE(json["signal"].is_null());
  const auto& layers = json["layers"];
  EXPECT_THAT(layers["namespaces"].get<std::vector<std::string>>(),
              testing::UnorderedElementsAre("user", "pid", "mnt", "net", "uts", "ipc", "cgroup"));
  EXPECT_EQ(layers["capabilities"], "0");
  EXPECT_EQ(layers["no_new_privs"], true);
  EXPECT_EQ(layers["seccomp"]["mode"], 2);
  EXPECT_EQ(layers["landlock"]["enforced"], true);
  EXPECT_GT(json["wall_usec"].get<long>(), 0);
  if (limits_work(GetParam())) {
    EXPECT_GT(json["peak_memory_bytes"].get<long>(), 0);
  }
}

TEST_P(Run, AResultFileHoldsTheSame) {
  const std::string file = sandbox.home() + "/result.json";
  const Ended ended = sandbox.run({"--result-file", file, "--", "sh", "-c", "echo x; exit 9"});
  EXPECT_EQ(ended.out, "x\n");
  Ended read;
  std::ifstream stream(file);
  read.out.assign(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(read.json()["code"], 9);
  const Ended refused =
      sandbox.run({"--result-file", sandbox.home() + "/no/such/dir/r.json", "--", "true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, testing::AllOf(HasSubstr("--result-file"), HasSubstr("ENOENT")));
}

TEST_P(Run, AFailedStartIsAnOutcomeToo) {
  const auto json = sandbox.run({"--json", "--", "no-such-program"}).json();
  EXPECT_EQ(json["reason"], "start-failed");
  EXPECT_EQ(json["code"], 127);
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr("no-such-program"));
}

TEST_P(Run, ClosedStreamsAreNoDoor) {
  // With its standard streams closed nucleus must not hand the workload some descriptor of its own
  // in their place.
  sandbox.make_directory("out");
  const Ended ended =
      sandbox.sh("ls -l /proc/self/fd | grep -c -e socket -e memfd -e pipe; true", {"--no-init"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  const std::string script = nucleus_path() + " run -- sh -c 'exit 4' <&- >&- 2>&-";
  EXPECT_EQ(
      WEXITSTATUS(::system(("NUCLEUS_STATE_DIR=" + sandbox.home() + "/own " + script).c_str())), 4);
}

TEST_P(Run, OrphansAreReapedAndEverythingGoesWithTheWorkload) {
  const Ended ended = sandbox.sh(
      "(sleep 1000 &) ; (sh -c 'exit 1' &); sleep 0.3; ps ax | grep -c '[d]efunct'; true");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "0\n");
}

TEST_P(Run, VersionAndHelp) {
  Ended ended = sandbox.call({"--version"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, testing::StartsWith("nucleus 0."));
  ended = sandbox.call({"run", "--help"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, testing::AllOf(HasSubstr("--memory"), HasSubstr("Examples")));
  EXPECT_EQ(sandbox.call({"--help"}).code, 0);
  EXPECT_EQ(sandbox.call({}).code, 2);
  ended = sandbox.call({"rnu"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("'rnu'"));
}

}  // namespace
}  // namespace nucleus::test
