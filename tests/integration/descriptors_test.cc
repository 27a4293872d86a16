// Descriptors of the caller's that the workload gets: --preserve-fds, --listen-fds.
#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Descriptors : public ForEverybody {
 protected:
  // nucleus is started by a program that leaves `count` of them open from 3 on: by turns a socket
  // that listens and a pipe with a word in it. With `listens` it says so, as a service manager
  // does.
  void left_open(int count, bool listens = false) {
    sandbox.through = {"python3", "-c", R"(
import os, socket, sys
count, listens = int(sys.argv[1]), sys.argv[2] == "1"
for index in range(count):
    if index % 2 == 0:
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        one.listen()
        fd = one.detach()
    else:
        fd, other = os.pipe()
        os.write(other, b"word %d\n" % index)
        os.close(other)
    os.dup2(fd, 100 + index)
    os.close(fd)
for index in range(count):
    os.dup2(100 + index, 3 + index)
    os.close(100 + index)
os.closerange(3 + count, 256)  # what whoever runs the tests has left open
if listens:
    os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="a:b")
os.execv(sys.argv[3], sys.argv[3:])
)",
                       std::to_string(count), listens ? "1" : "0"};
  }
};
INSTANTIATE_TEST_SUITE_P(As, Descriptors, testing::ValuesIn(everybody()), name_of);

// Its own ls has one more, for the directory.
constexpr const char* kList = "ls /proc/self/fd | sort -n | tr '\\n' ' '";

constexpr const char* kServe =
    "test \"$LISTEN_PID\" = $$ && echo mine $LISTEN_FDS $LISTEN_FDNAMES; "
    "python3 -c 'import socket; print(socket.socket(fileno=3).getsockname()[0])'; cat <&4";
constexpr const char* kServed = "mine 2 a:b\n127.0.0.1\nword 1\n";

TEST_P(Descriptors, AsManyAsWereAskedForAndNoOther) {
  for (const int count : {1, 2, 3, 4, 7, 16}) {
    left_open(count);
    std::string expected;
    for (int fd = 0; fd <= count + 3; ++fd) expected += std::to_string(fd) + " ";
    for (const char* const init : {"--init", "--no-init"}) {
      std::vector<std::string> flags = {"--preserve-fds", std::to_string(count)};
      if (init == std::string("--no-init")) flags.emplace_back(init);
      const Ended ended = sandbox.sh(kList, flags);
      EXPECT_EQ(ended.code, 0) << ended.all();
      EXPECT_EQ(ended.out, expected) << count << init << ended.all();
      if (count < 2) continue;
      EXPECT_EQ(sandbox.sh("cat <&4", flags).out, "word 1\n");
      if (count >= 4) {
        EXPECT_EQ(sandbox.sh("cat <&6", flags).out, "word 3\n");
      }
    }
  }
}

TEST_P(Descriptors, WithoutTheFlagNoneIsHandedOn) {
  left_open(4);
  EXPECT_EQ(sandbox.sh(kList).out, "0 1 2 3 ");
  EXPECT_EQ(sandbox.sh(kList, {"--preserve-fds", "1"}).out, "0 1 2 3 4 ");
}

TEST_P(Descriptors, ASocketOfTheManagersIsServedWithoutANetwork) {
  left_open(2, true);
  for (const char* const init : {"--init", "--no-init"}) {
    const Ended ended = sandbox.sh(kServe, {"--listen-fds", init});
    EXPECT_EQ(ended.out, kServed) << ended.all();
  }
}

TEST_P(Descriptors, WithoutNamespacesAsWell) {
  left_open(2, true);
  const Ended ended = sandbox.sh(kServe, {"--listen-fds", "--isolation", "landlock"});
  EXPECT_EQ(ended.out, kServed) << ended.all();
}

TEST_P(Descriptors, OnlyOurOwnPlaceForTheNumberIsFilled) {
  for (const char* const init : {"--init", "--no-init"}) {
    const Ended ended = sandbox.sh("echo $LISTEN_PID", {"--env", "LISTEN_PID=?", init});
    EXPECT_EQ(ended.out, "?\n") << ended.all();
  }
}

TEST_P(Descriptors, WhatGoesWrongLaterIsStillTold) {
  left_open(5);
  const Ended ended = sandbox.run({"--preserve-fds", "5", "--", "no-such-program"});
  EXPECT_EQ(ended.code, 127);
  EXPECT_THAT(ended.err, HasSubstr("no-such-program"));
}

TEST_P(Descriptors, MistakesAreRefused) {
  const auto refused = [&](std::vector<std::string> flags, const std::string& why) {
    flags.insert(flags.end(), {"--", "echo", "ran"});
    const Ended ended = sandbox.run(flags);
    EXPECT_EQ(ended.code, 2) << ended.all();
    EXPECT_THAT(ended.all(), AllOf(HasSubstr(why), Not(HasSubstr("ran\n"))));
  };
  left_open(0);
  refused({"--listen-fds"}, "LISTEN_FDS and LISTEN_PID are not set");
  refused({"--preserve-fds", "1"}, "'3'");
  refused({"--preserve-fds", "17"}, "--preserve-fds");
  sandbox.env["LISTEN_FDS"] = "1";
  sandbox.env["LISTEN_PID"] = "1";
  refused({"--listen-fds"}, "LISTEN_PID=1");
  left_open(2);
  refused({"--preserve-fds", "3"}, "'5'");
  refused({"--detach", "--preserve-fds", "2"}, "--detach");
  left_open(2, true);
  refused({"--listen-fds", "--preserve-fds", "2"}, "--listen-fds");
  refused({"--listen-fds", "--env", "LISTEN_FDS=9"}, "LISTEN_FDS");
}

}  // namespace
}  // namespace nucleus::test
