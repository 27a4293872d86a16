// --log-driver journald: what the journal hears of a container. On a host without systemd the test
// is the journal.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Journal : public ForEverybodysContainers {
 protected:
  ~Journal() override { ::close(socket); }

  void listen() {
    path = sandbox.home() + "/journal";
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof name.sun_path);
    std::ranges::copy(path, name.sun_path);
    socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  }
  // The next entry; empty after a minute.
  [[nodiscard]] std::string hear() const {
    const timeval minute{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
    std::array<char, 70000> buffer{};
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  std::string path;
  int socket = -1;
};
INSTANTIATE_TEST_SUITE_P(As, Journal, testing::ValuesIn(everybody()), name_of);

TEST_P(Journal, HearsEveryLineAndWhoSaidIt) {
  listen();
  start("one", "echo said; sleep 0.2; echo complained >&2; exec sleep 1000",
        {"--log-driver", "journald", "--log-opt", "socket=" + path});
  const std::string id = about("one", "id");
  EXPECT_THAT(hear(), AllOf(HasSubstr("said\nPRIORITY=6\n"), HasSubstr("\nCONTAINER_NAME=one\n"),
                            HasSubstr("\nCONTAINER_ID_FULL=" + id + "\n")));
  EXPECT_THAT(hear(), HasSubstr("complained\nPRIORITY=3\n"));
  const Ended shown = sandbox.call({"logs", "one"});
  EXPECT_EQ(shown.code, 2);
  EXPECT_THAT(shown.err, HasSubstr("journalctl CONTAINER_ID_FULL=" + id));
  EXPECT_EQ(about("one", "log.driver"), "journald");
  // A new name holds from then on, and another run is heard as well.
  EXPECT_EQ(sandbox.call({"rename", "one", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"restart", "--time", "0", "two"}).code, 0);
  EXPECT_THAT(hear(), AllOf(HasSubstr("said\n"), HasSubstr("\nCONTAINER_NAME=two\n")));
}

TEST_P(Journal, WithoutOneNothingStarts) {
  const Ended ended =
      sandbox.run({"--detach", "--name", "one", "--log-driver", "journald", "--log-opt",
                   "socket=" + sandbox.home() + "/nobody", "--", "true"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("ENOENT"), HasSubstr("--log-driver json")));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Journal, OptionsBelongToTheirDriver) {
  const auto refused = [&](const std::vector<std::string>& flags, const std::string& why) {
    std::vector<std::string> words = {"--detach"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"--", "true"});
    const Ended ended = sandbox.run(words);
    EXPECT_EQ(ended.code, 2) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr(why));
  };
  refused({"--log-driver", "journald", "--log-opt", "max-size=1M"}, "--log-driver json");
  refused({"--log-opt", "socket=/x"}, "--log-driver journald");
  refused({"--log-driver", "journald", "--log-opt", "socket=x"}, "absolute path");
  refused({"--log-driver", "syslog"}, "journald");
}

TEST_P(Journal, TheRealOneFindsIt) {
  std::error_code code;
  if (!std::filesystem::exists("/run/systemd/journal/socket", code))
    GTEST_SKIP() << "no systemd-journald here: the systemd lane has one";
  if (::geteuid() != 0) GTEST_SKIP() << "only root may read the whole journal";
  start("one", "echo a word for the journal; exec sleep 1000", {"--log-driver", "journald"});
  const std::string command =
      "journalctl --output cat CONTAINER_ID_FULL=" + about("one", "id") + " 2>&1";
  EXPECT_TRUE(eventually([&] {
    std::string text;
    if (FILE* const pipe = ::popen(command.c_str(), "re")) {
      std::array<char, 256> line{};
      while (std::fgets(line.data(), line.size(), pipe) != nullptr) text += line.data();
      ::pclose(pipe);
    }
    return text == "a word for the journal\n";
  }));
}

}  // namespace
}  // namespace nucleus::test
