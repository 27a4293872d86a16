#include "config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nucleus::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const char* text) {
  const auto file = parse_config_file("/c.toml", text);
  return file ? "taken" : file.error().text();
}

TEST(ConfigFile, HoldsDefaultsAndProfiles) {
  const auto file = parse_config_file("/c.toml", R"(
[defaults]
memory = "512M"
pids = 64
cpus = 1.5
read-only = true
[profiles.agent]
timeout = "30s"
volume = ["/a:/a", "/b:/b"]
tmpfs = "/scratch"
[profiles.agent.env]
LANG = "C.UTF-8"
N = 3
)");
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->defaults.draft.memory, "512M");
  EXPECT_EQ(file->defaults.draft.pids, "64");
  EXPECT_EQ(file->defaults.draft.cpus, "1.5");
  EXPECT_EQ(file->defaults.draft.read_only, true);
  const Request& agent = file->profiles.at("agent");
  EXPECT_EQ(agent.draft.timeout, "30s");
  EXPECT_THAT(agent.draft.volumes, ElementsAre("/a:/a", "/b:/b"));
  EXPECT_THAT(agent.draft.tmpfs, ElementsAre("/scratch"));
  EXPECT_THAT(agent.draft.env, ElementsAre("LANG=C.UTF-8", "N=3"));
  EXPECT_EQ(agent.draft.memory, std::nullopt);
}

TEST(ConfigFile, AFlagThatStandsForItselfTooMayBeTrue) {
  const auto bare = parse_config_file("/c.toml", "[defaults]\ntime-namespace = true\n");
  ASSERT_TRUE(bare) << bare.error().text();
  EXPECT_EQ(bare->defaults.draft.time_namespace, "true");
  const auto off = parse_config_file("/c.toml", "[defaults]\ntime-namespace = false\n");
  ASSERT_TRUE(off) << off.error().text();
  EXPECT_FALSE(off->defaults.draft.time_namespace);
  const auto moved = parse_config_file("/c.toml", "[defaults]\ntime-namespace = \"boottime=5\"\n");
  ASSERT_TRUE(moved) << moved.error().text();
  EXPECT_EQ(moved->defaults.draft.time_namespace, "boottime=5");
}

TEST(ConfigFile, AnEmptyOneIsGood) { EXPECT_TRUE(parse_config_file("/c.toml", "")); }

TEST(ConfigFile, WhatItDoesNotKnowIsNamedWithItsPlace) {
  EXPECT_THAT(refusal("[defaults]\nmemroy = '1G'\n"),
              testing::AllOf(HasSubstr("defaults.memroy"), HasSubstr("/c.toml:2:1"),
                             HasSubstr("did you mean memory?")));
  EXPECT_THAT(refusal("[default]\n"), HasSubstr("[defaults]"));
  EXPECT_THAT(refusal("memory = '1G'\n"), HasSubstr("'memory'"));
  EXPECT_THAT(refusal("[profiles]\nagent = 3\n"), HasSubstr("[profiles.NAME]"));
}

TEST(ConfigFile, TypesAreChecked) {
  EXPECT_THAT(refusal("[defaults]\nread-only = 'yes'\n"), HasSubstr("true or false"));
  EXPECT_THAT(refusal("[defaults]\nmemory = true\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(refusal("[defaults]\nvolume = true\n"), HasSubstr("list of texts"));
  EXPECT_THAT(refusal("[defaults]\nvolume = [[1]]\n"), HasSubstr("texts in quotes"));
  EXPECT_THAT(refusal("[defaults.volume]\na = 'b'\n"), HasSubstr("list of texts"));
}

TEST(ConfigFile, WhatBelongsToOneRunStaysOnTheCommandLine) {
  for (const char* key :
       {"name", "cidfile", "pid-file", "dry-run", "profile", "config", "no-init"}) {
    const std::string text = std::string("[defaults]\n") + key + " = 'x'\n";
    EXPECT_THAT(refusal(text.c_str()), HasSubstr("command line")) << key;
  }
}

TEST(ConfigFile, BrokenTomlIsNamedWithItsPlace) {
  EXPECT_THAT(refusal("[defaults]\nmemory = \n"), HasSubstr("/c.toml:2:"));
  EXPECT_THAT(refusal("[defaults]\nmemory = '1'\nmemory = '2'\n"), HasSubstr("/c.toml:3:"));
}

// A character that toml++ asks its table of blanks about, which has no answer for it.
TEST(ConfigFile, LettersOfOtherAlphabetsAreNoBlanks) {
  for (const char* letter : {"\u00a1", "\u0388", "\u0499", "\u3042"}) {
    for (const std::string& text : {"[defaults]\n" + std::string(letter) + " = 1\n",
                                    "[defaults]\nread-" + std::string(letter) + "only = true\n",
                                    "[defaults]\nmemory = " + std::string(letter) + "\n"})
      EXPECT_THAT(refusal(text.c_str()), HasSubstr("/c.toml")) << text;
  }
}

}  // namespace
}  // namespace nucleus::config
