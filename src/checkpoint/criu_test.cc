#include "checkpoint/criu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace nucleus::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FindCriu : public testing::Test {
 protected:
  FindCriu() {
    char place[] = "/tmp/nucleus-criu-XXXXXX";
    place_ = ::mkdtemp(place);
    program_ = place_ + "/criu";
  }
  FindCriu(const FindCriu&) = delete;
  FindCriu& operator=(const FindCriu&) = delete;
  ~FindCriu() override { fs::remove_all(place_); }

  void install(mode_t mode) const { install(program_, mode); }
  static void install(const std::string& path, mode_t mode) {
    fs::remove(path);
    fs::copy_file("/bin/true", path);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  [[nodiscard]] std::string refusal() const {
    const auto found = find_criu(program_, {}, "");
    return found ? "found " + found->path : found.error().text();
  }

  std::string place_, program_;
};

TEST_F(FindCriu, ItsModeAndKindDecide) {
  EXPECT_THAT(refusal(), HasSubstr("ENOENT"));
  for (const mode_t mode : {0755U, 0700U, 0500U}) {
    install(mode);
    EXPECT_EQ(refusal(), "found " + program_) << mode;
  }
  for (const mode_t mode : {0775U, 0757U}) {
    install(mode);
    EXPECT_THAT(refusal(), HasSubstr("writable by group or others")) << mode;
  }
  install(0600);
  EXPECT_THAT(refusal(), HasSubstr("not executable"));
  install(04755);
  EXPECT_THAT(refusal(), HasSubstr("set-id"));
  fs::remove(program_);
  std::ofstream(program_) << "#!/bin/sh\n";
  ASSERT_EQ(::chmod(program_.c_str(), 0755), 0);
  EXPECT_THAT(refusal(), HasSubstr("no ELF program"));
  fs::remove(program_);
  fs::create_directory(program_);
  EXPECT_THAT(refusal(), HasSubstr("no regular file"));
  fs::remove(program_);
  ASSERT_EQ(::mkfifo(program_.c_str(), 0700), 0);
  EXPECT_THAT(refusal(), HasSubstr("no regular file"));
}

TEST_F(FindCriu, ALinkCountsForWhatItLeadsTo) {
  install(place_ + "/real", 0755);
  fs::create_symlink("real", program_);
  EXPECT_EQ(refusal(), "found " + place_ + "/real");
  ASSERT_EQ(::chmod((place_ + "/real").c_str(), 0777), 0);
  EXPECT_THAT(refusal(), HasSubstr("writable by group or others"));
}

TEST_F(FindCriu, WhoCouldReplaceItIsNotTrusted) {
  install(0755);
  ASSERT_EQ(::chmod(place_.c_str(), 0777), 0);
  EXPECT_THAT(refusal(), HasSubstr("others can write to it"));
  ASSERT_EQ(::chmod(place_.c_str(), 0755), 0);
  EXPECT_EQ(refusal(), "found " + program_);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(program_.c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to uid 1"));
  ASSERT_EQ(::chown(program_.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(place_.c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to uid 1"));
}

TEST_F(FindCriu, TheFirstThatExistsIsTheOneAlsoWhenItIsBad) {
  const std::string places[] = {place_ + "/none/criu", place_ + "/first", place_ + "/second"};
  install(places[2], 0755);
  EXPECT_EQ(find_criu({}, places, "")->path, places[2]);
  install(places[1], 0775);
  EXPECT_THAT(find_criu({}, places, "").error().text(), HasSubstr(places[1]));
  install(places[1], 0755);
  EXPECT_EQ(find_criu({}, places, "")->path, places[1]);
  EXPECT_EQ(find_criu(places[2], places, "")->path, places[2]);
  // PATH is for ordinary users.
  install(0755);
  const auto by_path = find_criu({}, {}, "relative::/nowhere:" + place_);
  if (::geteuid() == 0) {
    EXPECT_EQ(by_path.error().errnum, ENOENT);
  } else {
    EXPECT_EQ(by_path->path, program_);
  }
  EXPECT_THAT(find_criu({}, {}, "").error().text(), HasSubstr("--criu"));
}

TEST_F(FindCriu, RunsWithNothingOfTheCallers) {
  fs::copy_file("/usr/bin/env", program_);
  ASSERT_EQ(::chmod(program_.c_str(), 0755), 0);
  const auto criu = find_criu(program_, {}, "");
  ASSERT_TRUE(criu);
  // What was opened is what is run.
  fs::remove(program_);
  const auto ran = run_criu(*criu, {}, std::chrono::seconds(10));
  ASSERT_TRUE(ran) << ran.error().text();
  EXPECT_EQ(ran->code, 0);
  EXPECT_EQ(ran->output, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
  const auto listed = run_criu(*criu, {"ls", "/proc/self/fd"}, std::chrono::seconds(10));
  EXPECT_EQ(listed->output, "0\n1\n2\n3\n");
  EXPECT_EQ(run_criu(*criu, {"sh", "-c", "exit 7"}, std::chrono::seconds(10))->code, 7);
  EXPECT_EQ(run_criu(*criu, {"sh", "-c", "kill -9 $$"}, std::chrono::seconds(10))->code, 137);
  const auto much = run_criu(*criu, {"sh", "-c", "seq 300000; echo end"}, std::chrono::seconds(10));
  EXPECT_LE(much->output.size(), 256U << 10);
  EXPECT_TRUE(much->output.ends_with("\nend\n"));
  EXPECT_EQ(run_criu(*criu, {"sleep", "1000"}, std::chrono::milliseconds(50)).error().errnum,
            ETIMEDOUT);
}

TEST(CriuText, VersionsAreRead) {
  EXPECT_EQ(criu_version("Version: 4.1.1\nGitID: 0\n")->text(), "4.1.1");
  EXPECT_EQ(criu_version("Warn: x\nVersion: 3.17\n")->text(), "3.17");
  EXPECT_EQ(criu_version("Version: 5\n")->text(), "5.0");
  EXPECT_FALSE(criu_version("Version: x\n"));
  EXPECT_FALSE(criu_version(""));
  EXPECT_LT(*criu_version("Version: 4.0.9"), kOldestCriu);
  EXPECT_GE(*criu_version("Version: 4.1"), kOldestCriu);
  EXPECT_GT(*criu_version("Version: 10.0"), kOldestCriu);
}

TEST(CriuText, ItsOwnReasonIsFound) {
  EXPECT_EQ(criu_reason("(00.1) starting\n(00.2) Error (criu/vdso.c:12): Unexpected bounds\nbye\n"),
            "Unexpected bounds");
  EXPECT_EQ(criu_reason("Error (criu/a.c:1): one\nError (criu/a.c:2): two\n"
                        "Error (criu/a.c:3): three\nError (criu/a.c:4): x\n"),
            "two; three; x");
  EXPECT_EQ(criu_reason("fine\nWarn  (criu/cr-check.c:824): Dirty tracking is OFF.\n"),
            "Dirty tracking is OFF.");
  EXPECT_EQ(criu_reason("only words\n"), "only words");
  EXPECT_EQ(criu_reason("\033[2Jnasty"), "?[2Jnasty");
  EXPECT_EQ(criu_reason(""), "");
}

}  // namespace
}  // namespace nucleus::checkpoint
