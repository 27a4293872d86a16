#include "cli/run_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nucleus::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<RunFlags> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "run");
  return parse_run_flags(static_cast<int>(words.size()), words.data());
}

TEST(RunFlags, TheCommandBeginsAtTheFirstWordThatIsNoFlag) {
  const auto flags =
      parse({"--memory", "64M", "-e", "A=1", "-eB=2", "sh", "-c", "exit 3", "--json", "-e", "C"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_THAT(flags->draft.argv, ElementsAre("sh", "-c", "exit 3", "--json", "-e", "C"));
  EXPECT_THAT(flags->draft.env, ElementsAre("A=1", "B=2"));
  EXPECT_EQ(flags->draft.memory, "64M");
  EXPECT_FALSE(flags->json);
}

TEST(RunFlags, ASeparatorEndsTheFlagsAndIsTakenAwayOnce) {
  const auto flags = parse({"--json", "--", "echo", "--", "x"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_TRUE(flags->json);
  EXPECT_THAT(flags->draft.argv, ElementsAre("echo", "--", "x"));
}

TEST(RunFlags, ACommandMayBeginWithADashBehindTheSeparator) {
  const auto flags = parse({"--", "-odd", "--json"});
  ASSERT_TRUE(flags) << flags.error().text();
  EXPECT_THAT(flags->draft.argv, ElementsAre("-odd", "--json"));
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
  EXPECT_THAT(flags->draft.volumes, ElementsAre("/a:/a", "/b:/b"));
  EXPECT_THAT(flags->draft.tmpfs, ElementsAre("/t"));
}

TEST(RunFlags, InitAndNoInitContradict) {
  EXPECT_FALSE(parse({"--init", "--no-init", "true"}));
  EXPECT_EQ(parse({"--no-init", "true"})->draft.init, false);
  EXPECT_EQ(parse({"true"})->draft.init, std::nullopt);
}

TEST(RunFlags, HelpShowsFlagsAndExamples) {
  const auto flags = parse({"--help"});
  ASSERT_TRUE(flags && flags->help);
  for (const char* part : {"--memory", "--context", "Examples:", "--timeout", "[--] COMMAND"})
    EXPECT_THAT(*flags->help, HasSubstr(part));
}

TEST(RunFlags, NoCommandIsNoErrorHere) { EXPECT_TRUE(parse({})->draft.argv.empty()); }

}  // namespace
}  // namespace nucleus::cli
