#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace nucleus::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    std::string made = testing::TempDir() + "nucleus-settings-XXXXXX";
    directory_ = ::mkdtemp(made.data());
    places_ = {.system = directory_ + "/system.toml", .own = directory_ + "/own.toml"};
  }
  ~SettingsTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + "/" + name) << text;
    ::chmod((directory_ + "/" + name).c_str(), 0644);
  }

  std::string refusal(const Request& typed) const {
    const auto settings = resolve(typed, places_, false);
    return settings ? "taken" : settings.error().text();
  }

  std::string directory_;
  Places places_;
};

TEST_F(SettingsTest, WithoutFilesTheCommandLineIsAll) {
  Request typed;
  typed.draft.memory = "1G";
  const auto settings = resolve(typed, places_, true);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->request.draft.memory, "1G");
  ASSERT_EQ(settings->origins.size(), 1U);
  EXPECT_EQ(settings->origins[0].from, "command line");
}

TEST_F(SettingsTest, ALaterPlaceWinsAndListsGrow) {
  write("system.toml",
        "[defaults]\nmemory='1G'\npids=10\nenv=['A=1']\n[profiles.p]\ncpus=2\ntimeout='1s'\n");
  write("own.toml", "[defaults]\npids=20\nenv=['A=2']\n[profiles.p]\ntimeout='2s'\n");
  Request typed;
  typed.profile = "p";
  typed.draft.env = {"A=3"};
  const auto settings = resolve(typed, places_, true);
  ASSERT_TRUE(settings) << settings.error().text();
  const spec::Draft& draft = settings->request.draft;
  EXPECT_EQ(draft.memory, "1G");
  EXPECT_EQ(draft.pids, "20");
  EXPECT_EQ(draft.cpus, "2");
  EXPECT_EQ(draft.timeout, "2s");
  EXPECT_THAT(draft.env, ElementsAre("A=1", "A=2", "A=3"));
  for (const Origin& origin : settings->origins) {
    if (origin.option == "pids") {
      EXPECT_EQ(origin.from, "defaults in " + places_.own);
    }
    if (origin.option == "timeout") {
      EXPECT_EQ(origin.from, "profile p in " + places_.own);
    }
    if (origin.option == "env") {
      EXPECT_THAT(origin.from, HasSubstr(" and command line"));
    }
  }
}

TEST_F(SettingsTest, AFileOfVariablesStandsBehindTheFlagsOfItsOwnPlaceOnly) {
  write("system.toml", "[defaults]\nenv=['A=profile']\n");
  write("vars", "A=file\nB=file\n");
  Request typed;
  typed.env_files = {directory_ + "/vars"};
  typed.draft.env = {"B=flag"};
  const auto settings = resolve(typed, places_, false);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_THAT(settings->request.draft.env, ElementsAre("A=profile", "A=file", "B=file", "B=flag"));
}

TEST_F(SettingsTest, ASwitchOfAFileCanBeTurnedOff) {
  write("own.toml", "[defaults]\nread-only=true\n");
  Request typed;
  typed.draft.read_only = false;
  EXPECT_EQ(resolve(typed, places_, false)->request.draft.read_only, false);
  EXPECT_EQ(resolve(Request(), places_, false)->request.draft.read_only, true);
}

TEST_F(SettingsTest, AFileThatOthersCanWriteIsRefused) {
  write("own.toml", "");
  ::chmod(places_.own.c_str(), 0666);
  EXPECT_THAT(refusal({}), HasSubstr("others may write to it"));
  ASSERT_EQ(::unlink(places_.own.c_str()), 0);
  ASSERT_EQ(::mkfifo(places_.own.c_str(), 0600), 0);
  EXPECT_THAT(refusal({}), HasSubstr("no regular file"));
}

TEST_F(SettingsTest, AFileOfSomebodyElseIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write("own.toml", "");
  ASSERT_EQ(::chown(places_.own.c_str(), 12345, 12345), 0);
  EXPECT_THAT(refusal({}), HasSubstr("belongs to uid 12345"));
}

TEST_F(SettingsTest, AnUnknownProfileNamesTheNearest) {
  write("own.toml", "[profiles.agent]\npids=1\n");
  Request typed;
  typed.profile = "agnet";
  EXPECT_THAT(refusal(typed), HasSubstr("did you mean agent?"));
  typed.profile = "zzz";
  EXPECT_THAT(refusal(typed), HasSubstr("there are: agent"));
}

TEST_F(SettingsTest, ANamedFileStandsForBothAndMustBeThere) {
  write("own.toml", "[defaults]\npids=1\n");
  write("other.toml", "[defaults]\ncpus=3\n");
  Request typed;
  typed.config = directory_ + "/other.toml";
  const auto settings = resolve(typed, places_, false);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->request.draft.pids, std::nullopt);
  EXPECT_EQ(settings->request.draft.cpus, "3");
  typed.config = "none";
  EXPECT_EQ(resolve(typed, places_, false)->request.draft.pids, std::nullopt);
  typed.config = directory_ + "/missing.toml";
  EXPECT_THAT(refusal(typed), HasSubstr("missing.toml"));
}

}  // namespace
}  // namespace nucleus::config
