// --log-driver journald: what the journal hears of a container. On a host without systemd the test
// is the journal.
#include <unistd.h>

#include <filesystem>

#include "live/live.h"
#include "support/datagrams.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Journal : public ForEverybodysContainers {
 protected:
  const std::string path = sandbox.home() + "/journal";
  Datagrams journal;
};
INSTANTIATE_TEST_SUITE_P(As, Journal, testing::ValuesIn(everybody()), name_of);

TEST_P(Journal, HearsEveryLineAndWhoSaidIt) {
  journal.listen(path);
  start("one", "echo said; sleep 0.2; echo complained >&2; exec sleep 1000",
        {"--log-driver", "journald", "--log-opt", "socket=" + path});
  const std::string id = about("one", "id");
  EXPECT_THAT(journal.hear(),
              AllOf(HasSubstr("said\nPRIORITY=6\n"), HasSubstr("\nCONTAINER_NAME=one\n"),
                    HasSubstr("\nCONTAINER_ID_FULL=" + id + "\n")));
  EXPECT_THAT(journal.hear(), HasSubstr("complained\nPRIORITY=3\n"));
  const Ended shown = sandbox.call({"logs", "one"});
  EXPECT_EQ(shown.code, 2);
  EXPECT_THAT(shown.err, HasSubstr("journalctl CONTAINER_ID_FULL=" + id));
  EXPECT_EQ(about("one", "log.driver"), "journald");
  // A new name holds from then on, and another run is heard as well.
  EXPECT_EQ(sandbox.call({"rename", "one", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"restart", "--time", "0", "two"}).code, 0);
  EXPECT_THAT(journal.hear(), AllOf(HasSubstr("said\n"), HasSubstr("\nCONTAINER_NAME=two\n")));
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
  EXPECT_TRUE(eventually([&] { return said_by(command) == "a word for the journal\n"; }))
      << said_by(command);
}

}  // namespace
}  // namespace nucleus::test
