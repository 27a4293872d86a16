#include "cli/run_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<RunFlags> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "run");
  return parse_run_flags(static_cast<int>(words.size()), words.data(), kRunText);
}

TEST(RunFlags, TheCommandBeginsAtTheFirstWordThatIsNoFlag) {
  const auto flags =
      parse({"--memory", "64M", "-e", "A=1", "-eB=2", "sh", "-c", "exit 3", "--json", "-e", "C"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_THAT(flags->request.draft.argv, ElementsAre("sh", "-c", "exit 3", "--json", "-e", "C"));
  EXPECT_THAT(flags->request.draft.env, ElementsAre("A=1", "B=2"));
  EXPECT_EQ(flags->request.draft.memory, "64M");
  EXPECT_FALSE(flags->request.json.value_or(false));
}

TEST(RunFlags, AValueThatMayBeLeftOutIsNeverAWordOfTheCommand) {
  const auto alone = parse({"--time-namespace", "true"});
  ASSERT_TRUE(alone) << alone.error().text();
  EXPECT_EQ(alone->request.draft.time_namespace, "true");
  EXPECT_THAT(alone->request.draft.argv, ElementsAre("true"));
  const auto valued = parse({"--time-namespace=boottime=5,monotonic=-1", "true"});
  ASSERT_TRUE(valued) << valued.error().text();
  EXPECT_EQ(valued->request.draft.time_namespace, "boottime=5,monotonic=-1");
  EXPECT_FALSE(parse({"true"})->request.draft.time_namespace);
}

TEST(RunFlags, ASeparatorEndsTheFlagsAndIsTakenAwayOnce) {
  const auto flags = parse({"--json", "--", "echo", "--", "x"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_TRUE(flags->request.json.value_or(false));
  EXPECT_THAT(flags->request.draft.argv, ElementsAre("echo", "--", "x"));
}

TEST(RunFlags, ACommandMayBeginWithADashBehindTheSeparator) {
  const auto flags = parse({"--", "-odd", "--json"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_THAT(flags->request.draft.argv, ElementsAre("-odd", "--json"));
}

TEST(RunFlags, LettersMayBeGivenTogetherAndTheCommandsOwnWordsAreNone) {
  const auto flags = parse({"-it", "--", "cat", "--memory", "-eX=1", "--nosuch"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_TRUE(flags->request.draft.interactive.value_or(false));
  EXPECT_TRUE(flags->request.draft.terminal.value_or(false));
  EXPECT_THAT(flags->request.draft.argv, ElementsAre("cat", "--memory", "-eX=1", "--nosuch"));
  EXPECT_FALSE(flags->request.draft.memory);
  EXPECT_TRUE(flags->request.draft.env.empty());
  EXPECT_FALSE(parse({"-iZ", "true"}));
}

TEST(RunFlags, AnUnknownFlagIsNamed) {
  const auto flags = parse({"--memroy", "64M", "true"});
  ASSERT_FALSE(flags);
  EXPECT_EQ(flags.error().kind, Kind::usage);
  EXPECT_THAT(flags.error().text(), HasSubstr("--memroy"));
}

TEST(RunFlags, AMissingValueIsNamed) {
  const auto flags = parse({"--memory"});
  ASSERT_FALSE(flags);
  EXPECT_THAT(flags.error().text(), HasSubstr("--memory"));
}

TEST(RunFlags, AFlagThatIsGivenTwiceIsNamed) {
  const auto flags = parse({"--memory", "1G", "--memory", "2G", "true"});
  ASSERT_FALSE(flags);
  EXPECT_THAT(flags.error().text(), HasSubstr("--memory"));
}

TEST(RunFlags, RepeatedListsKeepTheirOrder) {
  const auto flags = parse({"-v", "/a:/a", "--volume", "/b:/b", "--tmpfs=/t", "true"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_THAT(flags->request.draft.volumes, ElementsAre("/a:/a", "/b:/b"));
  EXPECT_THAT(flags->request.draft.tmpfs, ElementsAre("/t"));
}

TEST(RunFlags, InitAndNoInitContradict) {
  EXPECT_FALSE(parse({"--init", "--no-init", "true"}));
  EXPECT_EQ(parse({"--no-init", "true"})->request.draft.init, false);
  EXPECT_EQ(parse({"true"})->request.draft.init, std::nullopt);
}

TEST(RunFlags, HelpIsAskedForBeforeTheCommandOnly) {
  EXPECT_TRUE(parse({"--memory", "1G", "--help"})->help);
  EXPECT_FALSE(parse({"ls", "--help"})->help);
}

TEST(RunFlags, ASwitchCanBeTurnedOff) {
  EXPECT_EQ(parse({"--read-only=false", "true"})->request.draft.read_only, false);
  EXPECT_EQ(parse({"--read-only", "true"})->request.draft.read_only, true);
  EXPECT_EQ(parse({"--init=false", "true"})->request.draft.init, false);
}

TEST(RunFlags, NoCommandIsNoErrorHere) { EXPECT_TRUE(parse({})->request.draft.argv.empty()); }

}  // namespace
}  // namespace nucleus::cli
