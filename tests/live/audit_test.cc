// What is done to containers is written where they cannot reach it, or it is not done.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Audit : public ForEverybodysContainers {
 protected:
  Audit() {
    ::mkdir(place.c_str(), 0700);
    sandbox.own(place);
  }
  [[nodiscard]] std::vector<std::string> audited(std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"--audit-log", log});
    return flags;
  }
  [[nodiscard]] Ended audit(const std::string& what, std::vector<std::string> flags = {}) const {
    std::vector<std::string> words = {"audit", "--file", log};
    words.insert(words.end(), flags.begin(), flags.end());
    words.push_back(what);
    return sandbox.call(words);
  }
  // "start requested", "start ok", ... in their order.
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> all;
    std::istringstream in(audit("show", {"--json"}).out);
    for (std::string line; std::getline(in, line);) {
      const auto object = nlohmann::json::parse(line);
      all.push_back(object["event"].get<std::string>() + " " + object["result"].get<std::string>());
    }
    return all;
  }
  [[nodiscard]] unsigned owner() const {
    struct stat info{};
    EXPECT_EQ(::stat(sandbox.home().c_str(), &info), 0);
    return info.st_uid;
  }
  [[nodiscard]] bool tells(const std::string& what) const {
    return eventually([&] {
      const auto all = told();
      return std::ranges::find(all, what) != all.end();
    });
  }

  std::string place = sandbox.home() + "/audit";
  std::string log = place + "/audit.jsonl";
};
INSTANTIATE_TEST_SUITE_P(As, Audit, testing::ValuesIn(everybody()), name_of);

using Lines = std::vector<std::string>;

TEST_P(Audit, AForegroundRun) {
  const Ended ended = sandbox.run({"--audit-log", log, "--name", "short", "--", "sh", "-c",
                                   "echo --token=abc > /dev/null; exit 7"});
  EXPECT_EQ(ended.code, 7) << ended.all();
  EXPECT_EQ(told(), (Lines{"start requested", "start ok", "exit ok"}));
  const std::string text = audit("show").out;
  EXPECT_THAT(text, AllOf(HasSubstr("name=short"), HasSubstr("code=7, reason=exited"),
                          HasSubstr("--token=[redacted]"), Not(HasSubstr("abc")),
                          HasSubstr("seccomp=built-in"), HasSubstr("isolation=")));
  EXPECT_EQ(sandbox.run({"--audit-log", log, "--", "no-such-program"}).code, 127);
  EXPECT_EQ(told().back(), "start error");
  EXPECT_THAT(audit("show", {"--filter", "result=error"}).out, HasSubstr("no-such-program"));
  const Ended verified = audit("verify");
  EXPECT_EQ(verified.code, 0) << verified.all();
  EXPECT_THAT(verified.out, HasSubstr("5 lines follow one another"));
}

TEST_P(Audit, TheLifeOfADetachedOne) {
  start("one", "exec sleep 1000", audited());
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", "exit 5"}).code, 5);
  ASSERT_TRUE(tells("exec-exit ok"));
  EXPECT_EQ(sandbox.call({"exec", "one", "no-such-program"}).code, 127);
  EXPECT_EQ(sandbox.call({"kill", "--signal", "CONT", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"rename", "one", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"rename", "two", "three"}).code, 0);
  EXPECT_EQ(sandbox.call({"update", "--restart", "always", "three"}).code, 0);
  EXPECT_EQ(sandbox.call({"start", "three"}).code, 0);
  EXPECT_EQ(sandbox.call({"rm", "--force", "three"}).code, 0);
  ASSERT_TRUE(tells("rm ok"));
  EXPECT_EQ(told(), (Lines{"start requested", "start ok",
                           "exec requested",  "exec ok",
                           "exec-exit ok",    "exec requested",
                           "exec error",      "kill requested",
                           "kill ok",         "rename requested",
                           "rename ok",       "stop requested",
                           "exit ok",         "rename requested",
                           "rename ok",       "update requested",
                           "update ok",       "start requested",
                           "start ok",        "rm requested",
                           "exit ok",         "rm ok"}));
  const std::string text = audit("show").out;
  EXPECT_THAT(text, AllOf(HasSubstr("code=5"), HasSubstr("signal=SIGCONT"),
                          HasSubstr("new_name=two"), HasSubstr("restart=always")));
  EXPECT_THAT(audit("show", {"--filter", "name=three", "--filter", "event=rm"}).out,
              AllOf(HasSubstr("rm"), Not(HasSubstr("update"))));
  EXPECT_EQ(audit("verify").code, 0);
}

TEST_P(Audit, ARestartIsAskedForAndDone) {
  start("one", "exec sleep 1000", audited());
  EXPECT_EQ(sandbox.call({"restart", "--time", "0", "one"}).code, 0);
  ASSERT_TRUE(eventually([&] { return told().size() >= 7; }));
  EXPECT_EQ(told(), (Lines{"start requested", "start ok", "restart requested", "exit ok",
                           "restart ok", "start requested", "start ok"}));
}

TEST_P(Audit, WhoAskedIsTold) {
  start("one", "exec sleep 1000", audited());
  EXPECT_EQ(sandbox.call({"exec", "one", "true"}).code, 0);
  std::istringstream in(audit("show", {"--json", "--filter", "event=exec"}).out);
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["actor"]["uid"].get<unsigned>(), owner());
  EXPECT_GT(object["actor"]["pid"].get<int>(), 1);
}

TEST_P(Audit, WhatCannotBeWrittenIsNotDone) {
  std::ofstream(log) << "";
  ::chmod(log.c_str(), 0666);
  sandbox.own(log);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--audit-log", log, "--", "true"},
        {"run", "-d", "--audit-log", log, "--", "true"},
        {"create", "--audit-log", log, "--", "true"}}) {
    const Ended ended = sandbox.call(words);
    EXPECT_NE(ended.code, 0);
    EXPECT_THAT(ended.err, HasSubstr("audit log"));
  }
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
  ::chmod(log.c_str(), 0600);
  start("one", "exec sleep 1000", audited());
  ::chmod(log.c_str(), 0666);
  const Ended refused = sandbox.call({"exec", "one", "touch", "/tmp/done"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("audit log"));
  EXPECT_NE(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
  ::chmod(log.c_str(), 0600);
  EXPECT_EQ(sandbox.call({"exec", "one", "test", "-e", "/tmp/done"}).code, 1);
}

// Also between two runs, where nobody waits for an answer.
TEST_P(Audit, ARunThatCannotBeWrittenDoesNotBegin) {
  sandbox.make_directory("flags");
  start("one", "while test ! -e /flags/go; do sleep 0.05; done; exit 3",
        audited({"--restart", "on-failure:1", "-v", sandbox.home() + "/flags:/flags:ro"}));
  ::chmod(log.c_str(), 0666);
  sandbox.write("flags/go", "");
  ASSERT_TRUE(becomes("one", "failed"));
  EXPECT_EQ(about("one", "ending.reason"), "start-failed");
  EXPECT_EQ(about("one", "restarts"), "1");
  EXPECT_THAT(about("one", "ending.message"), HasSubstr("audit log"));
  // Its supervisor is none that has died of it.
  ::chmod(log.c_str(), 0600);
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "2\n");
}

// Who had written it without being asked is seen; the rest is not made worse.
TEST_P(Audit, AForgedLineStopsWhatIsAudited) {
  start("one", "exec sleep 1000", audited());
  std::ofstream(log, std::ios::app) << "{\"seq\":3}\n";
  EXPECT_NE(sandbox.call({"exec", "one", "true"}).code, 0);
  const Ended verified = audit("verify");
  EXPECT_EQ(verified.code, 1);
  EXPECT_THAT(verified.err, HasSubstr("line 3"));
  fs::rename(log, log + ".kept");
  EXPECT_EQ(sandbox.call({"exec", "one", "true"}).code, 0);
  EXPECT_EQ(audit("verify").code, 0);
}

TEST_P(Audit, NotWhereTheContainerCouldWrite) {
  const Ended ended = sandbox.run({"-v", place + ":/x:rw", "--audit-log", log, "--", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("--volume"));
  EXPECT_FALSE(fs::exists(log));
}

TEST_P(Audit, TheUsualPlaceAndTheEnvironment) {
  sandbox.env["NUCLEUS_AUDIT_LOG"] = log;
  EXPECT_EQ(sandbox.run({"--", "true"}).code, 0);
  EXPECT_THAT(sandbox.call({"audit", "show"}).out, HasSubstr("code=0"));
  EXPECT_EQ(sandbox.run({"--audit-log", "none", "--", "true"}).code, 0);
  EXPECT_EQ(told().size(), 3U);
  if (GetParam() == Who::root) return;  // /var/log of this host is not ours to fill
  sandbox.env.erase("NUCLEUS_AUDIT_LOG");
  sandbox.env["XDG_STATE_HOME"] = sandbox.home() + "/state-home";
  EXPECT_EQ(sandbox.run({"--audit-log", "default", "--", "true"}).code, 0);
  EXPECT_THAT(sandbox.call({"audit", "verify"}).out, HasSubstr("state-home/nucleus/audit.jsonl"));
}

}  // namespace
}  // namespace nucleus::test
