// What is written down of containers, and read back.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Events : public ForEverybodysContainers {
 protected:
  // The names of the events of one container, oldest first.
  [[nodiscard]] std::vector<std::string> of(const std::string& name,
                                            std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"events", "--json", "--filter", "container=" + name});
    const Ended ended = sandbox.call(flags);
    EXPECT_EQ(ended.code, 0) << ended.all();
    std::vector<std::string> names;
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);)
      names.push_back(nlohmann::json::parse(line)["event"]);
    return names;
  }
};
INSTANTIATE_TEST_SUITE_P(As, Events, testing::ValuesIn(everybody()), name_of);

TEST_P(Events, ALifeIsWrittenDown) {
  EXPECT_EQ(sandbox.call({"events"}).out, "");
  start("one", "exec sleep 1000");
  const std::string id = about("one", "id");
  ASSERT_EQ(sandbox.call({"exec", "one", "sh", "-c", "exit 3 # secret-word"}).code, 3);
  ASSERT_EQ(sandbox.call({"rename", "one", "two"}).code, 0);
  ASSERT_EQ(sandbox.call({"kill", "--signal", "WINCH", "two"}).code, 0);
  ASSERT_EQ(sandbox.call({"stop", "two"}).code, 0);
  ASSERT_EQ(sandbox.call({"rename", "two", "three"}).code, 0);
  ASSERT_EQ(sandbox.call({"rm", "three"}).code, 0);
  EXPECT_THAT(of(id), ElementsAre("create", "start", "exec_start", "exec_die", "rename", "kill",
                                  "stop", "die", "rename", "remove"));
  const Ended lines = sandbox.call({"events"});
  EXPECT_THAT(lines.out, HasSubstr(" exec_start " + id + " (name=one, command=sh, pid="));
  EXPECT_THAT(lines.out, HasSubstr(" exec_die " + id + " (name=one, code=3, "));
  EXPECT_THAT(lines.out, HasSubstr(" rename " + id + " (name=two, before=one)"));
  EXPECT_THAT(lines.out, HasSubstr(" die " + id + " (name=two, code=143, reason=signaled)"));
  EXPECT_THAT(lines.out, Not(HasSubstr("secret-word")));
  struct stat info{};
  ASSERT_EQ(::stat((sandbox.state() + "/events.jsonl").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_P(Events, RestartsAndStartsThatFail) {
  start("one", "exit 3", {"--restart", "on-failure:1"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "3\n");
  EXPECT_THAT(of("one"), ElementsAre("create", "start", "die", "restart", "start", "die"));
  EXPECT_EQ(sandbox.run({"-d", "--name", "bad", "--", "no-such-program"}).code, 127);
  EXPECT_THAT(of("bad"), ElementsAre("create", "die", "remove"));
  EXPECT_THAT(sandbox.call({"events", "--filter", "container=bad"}).out,
              HasSubstr("code=127, reason=start-failed"));
}

TEST_P(Events, MemoryThatRanOutIsTold) {
  if (!limits_work(GetParam())) GTEST_SKIP() << "limits cannot be set by this user here";
  const Ended ended = sandbox.run({"-d", "--name", "one", "--memory", "32M", "-v",
                                   guest("eat_memory") + ":/eat", "--", "/eat", "64"});
  ASSERT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "137\n");
  EXPECT_THAT(of("one"), ElementsAre("create", "start", "oom", "die"));
}

TEST_P(Events, TheyAreChosenAndFollowed) {
  start("one", "true");
  start("two", "true");
  ASSERT_TRUE(becomes("one", "stopped"));
  ASSERT_TRUE(becomes("two", "stopped"));
  EXPECT_THAT(of("one", {"--filter", "event=die", "--filter", "event=create"}),
              ElementsAre("create", "die"));
  EXPECT_THAT(of("one", {"--since", "2999-01-01"}), ElementsAre());
  EXPECT_THAT(of("one", {"--until", "1999-01-01"}), ElementsAre());
  EXPECT_EQ(sandbox.call({"events", "--filter", "event=birth"}).code, 2);
  EXPECT_EQ(sandbox.call({"events", "--filter", "nonsense"}).code, 2);
  EXPECT_EQ(sandbox.call({"events", "--since", "soon"}).code, 2);
  EXPECT_EQ(sandbox.call({"events", "--follow", "--until", "1999-01-01"}).code, 0);
  Running running = sandbox.start({"events", "--follow", "--filter", "container=three"});
  start("three", "exit 7");
  EXPECT_TRUE(running.wait_for("code=7"));
  running.send(SIGTERM);
  const Ended followed = running.wait();
  EXPECT_THAT(followed.all(), Not(HasSubstr("name=one")));
}

}  // namespace
}  // namespace nucleus::test
