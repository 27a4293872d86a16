// run --sd-notify: what a service manager hears. The test is the manager.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

class ServiceManager : public ForEverybodysContainers {
 protected:
  ~ServiceManager() override { ::close(socket); }

  // Listens at "@NAME" or a path, and tells nucleus so.
  void listen(const std::string& address) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    ASSERT_LT(address.size(), sizeof name.sun_path);
    std::ranges::copy(address, name.sun_path);
    const bool abstract = address.starts_with('@');
    if (abstract) name.sun_path[0] = '\0';
    const std::size_t size = offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1);
    socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(
        ::bind(socket, reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)), 0);
    if (!abstract) {
      ASSERT_EQ(::chmod(address.c_str(), 0777), 0);
    }
    sandbox.env["NOTIFY_SOCKET"] = address;
  }
  // The next message; empty after a minute.
  [[nodiscard]] std::string hear() const {
    const timeval minute{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }
  // Whether there is nothing (more) to hear.
  [[nodiscard]] bool silent() const {
    char byte = 0;
    return ::recv(socket, &byte, 1, MSG_DONTWAIT) < 0;
  }

  int socket = -1;
};
INSTANTIATE_TEST_SUITE_P(As, ServiceManager, testing::ValuesIn(everybody()), name_of);

TEST_P(ServiceManager, HearsOfTheStartAndOfTheEnd) {
  listen("@nucleus-test-" + std::to_string(::getpid()) + who_name(GetParam()));
  const Ended ended = sandbox.sh("echo socket:$NOTIFY_SOCKET; exit 3", {"--sd-notify"});
  EXPECT_EQ(ended.code, 3) << ended.all();
  EXPECT_EQ(ended.out, "socket:\n");
  const std::string ready = hear();
  EXPECT_THAT(ready, HasSubstr("READY=1\n"));
  EXPECT_THAT(ready, HasSubstr("\nSTATUS=Container "));
  EXPECT_EQ(hear(), "STOPPING=1");
  EXPECT_TRUE(silent());
}

TEST_P(ServiceManager, AtAPathAndOfTheRightProcess) {
  listen(sandbox.home() + "/notify");
  Running running = sandbox.start({"run", "--sd-notify", "--", "sleep", "1000"});
  EXPECT_THAT(hear(), HasSubstr("\nMAINPID=" + std::to_string(running.pid()) + "\n"));
  EXPECT_TRUE(silent());
  running.send(SIGTERM);
  EXPECT_EQ(hear(), "STOPPING=1");
  EXPECT_EQ(running.wait().code, 143);
  EXPECT_TRUE(silent());
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
  const std::string first = hear();
  EXPECT_THAT(first, testing::StartsWith("MAINPID="));
  EXPECT_THAT(first, testing::Not(HasSubstr("READY")));
  EXPECT_EQ(hear(), "STATUS=warming");
  EXPECT_EQ(hear(), "READY=1\nWATCHDOG=1");
  EXPECT_EQ(hear(), "STOPPING=1");
  EXPECT_TRUE(silent());
}

TEST_P(ServiceManager, AStartThatFailsIsNoReadiness) {
  listen(sandbox.home() + "/notify");
  EXPECT_EQ(sandbox.run({"--sd-notify", "--", "no-such-program"}).code, 127);
  EXPECT_TRUE(silent());
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
