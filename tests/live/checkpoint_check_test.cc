// nucleus checkpoint --check: what keeps a running container from being checkpointed.
#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CheckpointCheck : public ForEverybodysContainers {
 protected:
  [[nodiscard]] Ended check(const std::string& name, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"checkpoint", "--check"});
    flags.push_back(name);
    return sandbox.call(flags);
  }
};
INSTANTIATE_TEST_SUITE_P(As, CheckpointCheck, testing::ValuesIn(everybody()), name_of);

TEST_P(CheckpointCheck, OrdinaryOnesHaveNothingInTheWay) {
  start("one", "echo up; mkfifo /tmp/f; exec 3<>/tmp/f; sleep 1000 & exec sleep 1000");
  ASSERT_TRUE(says("one", "up"));
  EXPECT_TRUE(eventually([&] { return check("one", {"--json"}).json()["processes"] == 3; }));
  const Ended ended = check("one");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("nothing of its 3 processes is in the way"));
  const auto object = check("one", {"--json"}).json();
  EXPECT_EQ(object["good"], true);
  EXPECT_EQ(object["blockers"].size(), 0U);
}

TEST_P(CheckpointCheck, WhatIsInTheWayIsNamedWithItsProcess) {
  const std::string program =
      "import fcntl, socket, time\n"
      "listener = socket.create_server(('127.0.0.1', 0))\n"
      "client = socket.create_connection(listener.getsockname())\n"
      "server, _ = listener.accept()\n"
      "lock = open('/tmp/locked', 'w')\n"
      "fcntl.flock(lock, fcntl.LOCK_EX)\n"
      "print('up', flush=True)\n"
      "time.sleep(1000)\n";
  const Ended started = sandbox.run({"-d", "--name", "one", "--", "python3", "-c", program});
  ASSERT_EQ(started.code, 0) << started.all();
  ASSERT_TRUE(says("one", "up"));
  const Ended ended = check("one");
  // Another's sockets are root's to look at.
  if (!sandbox.is_root() && ended.code == 125) {
    EXPECT_THAT(ended.err, AllOf(HasSubstr("EPERM"), HasSubstr("only root may")));
    return;
  }
  EXPECT_EQ(ended.code, 1) << ended.all();
  const auto object = check("one", {"--json"}).json();
  EXPECT_EQ(object["good"], false);
  ASSERT_EQ(object["blockers"].size(), 3U) << object.dump();
  int connections = 0;
  int locks = 0;
  for (const auto& blocker : object["blockers"]) {
    EXPECT_THAT(blocker["command"].get<std::string>(), HasSubstr("python3"));
    EXPECT_GT(blocker["pid"].get<int>(), 1);
    connections += blocker["what"] == "a connection by TCP" ? 1 : 0;
    locks += blocker["what"].get<std::string>().starts_with("a lock on ") ? 1 : 0;
  }
  EXPECT_EQ(connections, 2);
  EXPECT_EQ(locks, 1);
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(CheckpointCheck, WhatDoesNotRunCannotBeChecked) {
  start("one", "exit 0");
  ASSERT_TRUE(becomes("one", "stopped"));
  const Ended ended = check("one");
  EXPECT_NE(ended.code, 0);
  EXPECT_THAT(ended.err, HasSubstr("does not run"));
  EXPECT_EQ(check("none").code, 2);
  EXPECT_EQ(sandbox.call({"checkpoint", "--check", "one", "two"}).code, 2);
}

}  // namespace
}  // namespace nucleus::test
