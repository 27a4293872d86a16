// `--isolation LEVEL`: what was asked for is what there is, or an error that says why not.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class IsolationLevel : public ForEverybody {
 protected:
  void SetUp() override {
    const nlohmann::json report = sandbox.call({"doctor", "--json"}).json();
    if (report["landlock_abi"] < 6) GTEST_SKIP() << "Landlock has no scopes here (ABI 6)";
    level_ = report["isolation"];
  }
  Ended held(std::vector<std::string> words) {
    words.insert(words.begin(), {"--isolation", "landlock"});
    return sandbox.run(std::move(words));
  }
  Ended held_sh(const std::string& script, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--", "sh", "-c", script});
    return held(std::move(flags));
  }
  // Private directories, which all lie in this test's own.
  std::vector<std::string> left() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(sandbox.home())) {
      if (entry.path().filename().string().starts_with("nucleus-")) found.push_back(entry.path());
    }
    return found;
  }
  static std::vector<pid_t> sleepers(const std::string& argument) {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      if (text == std::string("sleep") + '\0' + argument + '\0')
        found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
  }
  std::string level_;
};
INSTANTIATE_TEST_SUITE_P(As, IsolationLevel, testing::ValuesIn(everybody()), name_of);

TEST_P(IsolationLevel, TheOutcomeSaysWhichOne) {
  const auto recorded = [&](const std::string& asked) {
    return sandbox.run({"--json", "--isolation", asked, "--", "true"}).json()["layers"];
  };
  EXPECT_EQ(recorded("auto")["isolation"], level_);
  const nlohmann::json layers = recorded("landlock");
  EXPECT_EQ(layers["isolation"], "landlock");
  EXPECT_TRUE(layers["namespaces"].empty());
  EXPECT_EQ(layers["no_new_privs"], true);
  EXPECT_EQ(layers["seccomp"]["mode"], 2);
  EXPECT_EQ(layers["landlock"]["enforced"], true);
  if (level_ == "full" || level_ == "rootless") {
    EXPECT_EQ(recorded(level_)["isolation"], level_);
  }
}

TEST_P(IsolationLevel, WhatCannotBeHadIsAnErrorThatSendsToTheDoctor) {
  if (!sandbox.is_root()) {
    const Ended ended = sandbox.run({"--isolation", "full", "--", "true"});
    EXPECT_EQ(ended.code, 125);
    EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("root"), HasSubstr("nucleus doctor")));
  }
  sandbox.through = {guest("under_filter")};
  for (const char* const level : {"rootless", "auto"}) {
    const Ended ended = sandbox.run({"--isolation", level, "--", "true"});
    EXPECT_EQ(ended.code, 125) << level;
    EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("namespaces"), HasSubstr("nucleus doctor")));
  }
}

TEST_P(IsolationLevel, SubordinateIdsAreAskedFor) {
  if (sandbox.is_root()) GTEST_SKIP() << "root has ranges of its own";
  sandbox.through = {"setpriv", "--no-new-privs"};
  const Ended ended = sandbox.run({"--isolation", "rootless", "--", "true"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("no_new_privs"));
}

TEST_P(IsolationLevel, FlagsThatNeedNamespacesAreNamed) {
  const std::vector<std::vector<std::string>> wishes = {
      {"--rootfs", "/"},      {"--hostname", "x"},          {"--tmpfs", "/x"},
      {"--shm-size", "1M"},   {"--secret", "/etc/passwd"},  {"--add-host", "a:10.0.0.1"},
      {"--cap-add", "CHOWN"}, {"--sysctl", "net.core.x=1"}, {"--no-init"},
      {"--proc-rw"},          {"--userns", "host"},         {"--additional-group", "5"},
      {"--user", "0"},        {"--volume", "/etc:/other"},  {"--read-only"},
  };
  for (const std::vector<std::string>& wish : wishes) {
    if (wish[0] == "--user" && !sandbox.is_root()) continue;
    std::vector<std::string> words = wish;
    words.insert(words.end(), {"--", "true"});
    const Ended ended = held(words);
    EXPECT_EQ(ended.code, 2) << wish[0];
    EXPECT_THAT(ended.err, HasSubstr(wish[0]));
  }
}

TEST_P(IsolationLevel, NobodyElsesIds) {
  const Ended ended = held({"--", "id", "-u"});
  if (sandbox.is_root()) {
    EXPECT_EQ(ended.out, "65534\n");
    EXPECT_EQ(held({"--user", "4711", "--", "id", "-u"}).out, "4711\n");
  } else {
    EXPECT_EQ(held({"--user", "4711", "--", "true"}).code, 2);
  }
}

TEST_P(IsolationLevel, WorksWhereUserNamespacesAreForbidden) {
  sandbox.through = {guest("under_filter")};
  EXPECT_EQ(held_sh("echo works").out, "works\n");
}

TEST_P(IsolationLevel, WorksInsideOfNucleus) {
  const Ended ended = sandbox.run({"-v", nucleus_path() + ":/nucleus", "--", "/nucleus", "run",
                                   "--root", "/tmp/state", "--isolation", "landlock", "--", "sh",
                                   "-c", "echo works > file && chmod 700 file && cat file"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "works\n");
}

TEST_P(IsolationLevel, HomeIsPrivateAndGoneAfterwards) {
  sandbox.env["TMPDIR"] = sandbox.home();
  if (sandbox.is_root()) fs::permissions(sandbox.home(), fs::perms(0755));
  const Ended ended = held_sh(
      "test \"$HOME\" = \"$TMPDIR\" && cd && pwd && stat -c %a . && mkdir -p a/b && touch a/b/c && "
      "chmod 0 a/b a");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out,
              testing::AllOf(HasSubstr(sandbox.home() + "/nucleus-"), HasSubstr("\n700\n")));
  EXPECT_THAT(left(), testing::IsEmpty());
}

TEST_P(IsolationLevel, ATreeOfAnyDepthIsRemoved) {
  sandbox.env["TMPDIR"] = sandbox.home();
  const Ended ended = held_sh(
      "i=0; while [ $i -lt 300 ]; do mkdir d && touch f && cd -P d || exit 1; i=$((i+1)); done");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(left(), testing::IsEmpty());
}

TEST_P(IsolationLevel, ModesAndTimesOfOnesOwnFilesCanBeChanged) {
  const Ended ended = held_sh(
      "touch f && chmod 751 f && stat -c %a f && touch -d 2001-02-03T00:00:00Z f && "
      "stat -c %Y f && ln -s f l && touch -h -d 2002-02-03T00:00:00Z l && stat -c %Y l f && "
      "python3 -c 'import os; fd = os.open(\"f\", os.O_RDONLY); os.fchmod(fd, 0o640); "
      "os.utime(\"f\", (5, 6)); print(oct(os.stat(\"f\").st_mode & 0o777), "
      "int(os.stat(\"f\").st_mtime))'; chmod 700 missing");
  EXPECT_EQ(ended.code, 1) << ended.all();
  EXPECT_EQ(ended.out, "751\n981158400\n1012694400\n981158400\n0o640 6\n");
  EXPECT_THAT(ended.err, HasSubstr("No such file"));
}

TEST_P(IsolationLevel, OrdinaryProgramsWork) {
  const Ended ended = held_sh(
      "git init -q r && cd r && git config user.email a@b && git config user.name n && "
      "echo 'int main(void){return 42;}' > a.c && git add a.c && git commit -qm one && "
      "gcc a.c -o a && { ./a; echo $?; } && cp -p a.c b.c && bash -c 'cat <(echo piped)' && "
      "echo 1 | sort | wc -l");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out, testing::AllOf(HasSubstr("42\n"), HasSubstr("piped\n")));
}

TEST_P(IsolationLevel, AContextIsCopiedOrReadInPlace) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/file", "of the context\n");
  const std::string context = sandbox.home() + "/ctx";
  Ended ended = held_sh("cat file && echo more >> file && cat file", {"--context", context});
  EXPECT_EQ(ended.out, "of the context\nof the context\nmore\n") << ended.all();
  ended =
      held_sh("pwd; cat file; echo more >> file", {"--context", context, "--context-mode", "bind"});
  EXPECT_EQ(ended.out, context + "\nof the context\n") << ended.all();
  EXPECT_NE(ended.code, 0);
}

TEST_P(IsolationLevel, VolumesAreWhereTheyAre) {
  sandbox.make_directory("ro");
  sandbox.write("ro/file", "read\n", 0666);
  fs::create_directory(sandbox.home() + "/rw");
  fs::permissions(sandbox.home() + "/rw", fs::perms(0777));
  const std::string ro = sandbox.home() + "/ro";
  const std::string rw = sandbox.home() + "/rw";
  const Ended ended =
      held_sh("cat " + ro + "/file; echo x > " + ro + "/file; rm " + ro + "/file; chmod 600 " + ro +
                  "/file; echo written > " + rw + "/file && chmod 644 " + rw + "/file; ln " + ro +
                  "/file " + rw + "/link",
              {"-v", ro + ":" + ro, "-v", rw + ":" + rw + ":rw"});
  EXPECT_EQ(ended.out, "read\n") << ended.all();
  std::string text;
  std::getline(std::ifstream(rw + "/file"), text);
  EXPECT_EQ(text, "written");
  EXPECT_EQ(fs::status(ro + "/file").permissions(), fs::perms(0666));
  EXPECT_FALSE(fs::exists(rw + "/link"));
}

TEST_P(IsolationLevel, NothingOfTheTreeOutlivesTheCommand) {
  const std::string number =
      std::to_string(470'000 + ::getpid() % 1000 + (sandbox.is_root() ? 0 : 5000));
  const std::string start = "(setsid sleep " + number + " &); setsid sh -c 'sleep " + number +
                            " & sleep " + number + "' & ";
  EXPECT_EQ(held_sh(start + "exit 3").code, 3);
  EXPECT_THAT(sleepers(number), testing::IsEmpty());
  const Ended ended = held_sh(start + "sleep " + number, {"--timeout", "1", "--json"});
  EXPECT_EQ(ended.code, 137);
  EXPECT_EQ(ended.json()["reason"], "timeout");
  EXPECT_THAT(sleepers(number), testing::IsEmpty());
}

TEST_P(IsolationLevel, NothingOutlivesAKilledNucleusAndPruneClearsUp) {
  sandbox.env["TMPDIR"] = sandbox.home();
  const std::string number =
      std::to_string(480'000 + ::getpid() % 1000 + (sandbox.is_root() ? 0 : 5000));
  Running running = sandbox.start({"run", "--isolation", "landlock", "--", "sh", "-c",
                                   "(setsid sleep " + number + " &); echo up; sleep " + number});
  ASSERT_TRUE(running.wait_for("up\n"));
  ASSERT_TRUE(eventually([&] { return sleepers(number).size() == 2; }));
  running.send(SIGKILL);
  EXPECT_EQ(running.wait().code, 137);
  EXPECT_TRUE(eventually([&] { return sleepers(number).empty(); }));
  EXPECT_EQ(left().size(), 1U);
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
  EXPECT_THAT(left(), testing::IsEmpty());
}

TEST_P(IsolationLevel, NothingOutlivesAKilledInit) {
  const std::string number =
      std::to_string(490'000 + ::getpid() % 1000 + (sandbox.is_root() ? 0 : 5000));
  const std::string file = sandbox.home() + "/pid";
  Running running =
      sandbox.start({"run", "--isolation", "landlock", "--pid-file", file, "--", "sh", "-c",
                     "(setsid sleep " + number + " &); echo up; sleep " + number});
  ASSERT_TRUE(running.wait_for("up\n"));
  ASSERT_TRUE(eventually([&] { return sleepers(number).size() == 2 && fs::exists(file); }));
  pid_t init = 0;
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(file) >> init); }));
  ASSERT_EQ(::kill(init, SIGKILL), 0);
  EXPECT_EQ(running.wait().code, 137);
  EXPECT_THAT(sleepers(number), testing::IsEmpty());
}

TEST_P(IsolationLevel, SignalsArePassedOn) {
  Running running =
      sandbox.start({"run", "--isolation", "landlock", "--", "sh", "-c",
                     "trap 'echo got; exit 7' TERM; echo up; while :; do sleep 0.1; done"});
  ASSERT_TRUE(running.wait_for("up\n"));
  running.send(SIGTERM);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.code, 7) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("got"));
}

TEST_P(IsolationLevel, EndingsAreAsEverywhere) {
  EXPECT_EQ(held({"--", "no-such-program"}).code, 127);
  EXPECT_EQ(held({"--", "/etc/passwd"}).code, 126);
  EXPECT_EQ(held_sh("kill -SEGV $$").code, 139);
  EXPECT_EQ(held_sh("exit 0").err, "");
}

}  // namespace
}  // namespace nucleus::test
