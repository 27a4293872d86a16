// run --sd-notify: what a service manager hears. The test is the manager.
#include <unistd.h>

#include "live/live.h"
#include "support/datagrams.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

class ServiceManager : public ForEverybodysContainers {
 protected:
  // Listens at "@NAME" or a path, and tells nucleus so.
  void listen(const std::string& address) {
    manager.listen(address);
    sandbox.env["NOTIFY_SOCKET"] = address;
  }

  Datagrams manager;
};
INSTANTIATE_TEST_SUITE_P(As, ServiceManager, testing::ValuesIn(everybody()), name_of);

TEST_P(ServiceManager, HearsOfTheStartAndOfTheEnd) {
  listen("@nucleus-test-" + std::to_string(::getpid()) + who_name(GetParam()));
  const Ended ended = sandbox.sh("echo socket:$NOTIFY_SOCKET; exit 3", {"--sd-notify"});
  EXPECT_EQ(ended.code, 3) << ended.all();
  EXPECT_EQ(ended.out, "socket:\n");
  const std::string ready = manager.hear();
  EXPECT_THAT(ready, HasSubstr("READY=1\n"));
  EXPECT_THAT(ready, HasSubstr("\nSTATUS=Container "));
  EXPECT_EQ(manager.hear(), "STOPPING=1");
  EXPECT_TRUE(manager.silent());
}

TEST_P(ServiceManager, AtAPathAndOfTheRightProcess) {
  listen(sandbox.home() + "/notify");
  Running running = sandbox.start({"run", "--sd-notify", "--", "sleep", "1000"});
  EXPECT_THAT(manager.hear(), HasSubstr("\nMAINPID=" + std::to_string(running.pid()) + "\n"));
  EXPECT_TRUE(manager.silent());
  running.send(SIGTERM);
  EXPECT_EQ(manager.hear(), "STOPPING=1");
  EXPECT_EQ(running.wait().code, 143);
  EXPECT_TRUE(manager.silent());
}

TEST_P(ServiceManager, HearsWhatTheWorkloadSaysOfItself) {
  listen(sandbox.home() + "/notify");
  const Ended ended = sandbox.run({"--sd-notify", "--readiness-sd-notify", "--", "python3", "-c",
                                   R"(
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in "STATUS=warming\nMAINPID=7\nFDSTORE=1", "no line", "READY=1\nWATCHDOG=1":
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
)"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  const std::string first = manager.hear();
  EXPECT_THAT(first, testing::StartsWith("MAINPID="));
  EXPECT_THAT(first, testing::Not(HasSubstr("READY")));
  EXPECT_EQ(manager.hear(), "STATUS=warming");
  EXPECT_EQ(manager.hear(), "READY=1\nWATCHDOG=1");
  EXPECT_EQ(manager.hear(), "STOPPING=1");
  EXPECT_TRUE(manager.silent());
}

TEST_P(ServiceManager, AStartThatFailsIsNoReadiness) {
  listen(sandbox.home() + "/notify");
  EXPECT_EQ(sandbox.run({"--sd-notify", "--", "no-such-program"}).code, 127);
  EXPECT_TRUE(manager.silent());
}

TEST_P(ServiceManager, WithoutOneItIsAnError) {
  const auto refused = [&](int code, const std::string& why) {
    const Ended ended = sandbox.sh("echo ran", {"--sd-notify"});
    EXPECT_EQ(ended.code, code) << ended.all();
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr(why));
  };
  refused(2, "NOTIFY_SOCKET is not set");
  sandbox.env["NOTIFY_SOCKET"] = sandbox.home() + "/nobody";
  refused(125, "ENOENT");
  sandbox.env["NOTIFY_SOCKET"] = "relative";
  refused(2, "relative");
  sandbox.env["NOTIFY_SOCKET"] = "/" + std::string(200, 'x');
  refused(2, "107");
  EXPECT_EQ(sandbox.run({"--detach", "--sd-notify", "--", "true"}).code, 2);
}

}  // namespace
}  // namespace nucleus::test
