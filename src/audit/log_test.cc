#include "audit/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "audit/place.h"
#include "audit/verify.h"

namespace nucleus::audit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string made = testing::TempDir() + "nucleus-audit-XXXXXX";
    directory = ::mkdtemp(made.data());
    path = directory + "/audit.jsonl";
  }
  ~LogTest() override { fs::remove_all(directory); }

  static Event event(const std::string& what) {
    return {.event = what, .id = "0123456789abcdef", .name = "web", .actor = ourselves()};
  }
  void write(int count) const {
    const auto log = Log::open(path);
    ASSERT_TRUE(log) << log.error().text();
    for (int at = 0; at < count; ++at) ASSERT_TRUE(log->append(event("e" + std::to_string(at))));
  }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  void set_text(const std::string& text) const { std::ofstream(path) << text; }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  void set_lines(const std::vector<std::string>& all) const {
    std::string text;
    for (const std::string& line : all) text.append(line).append("\n");
    set_text(text);
  }
  std::string fault(const std::optional<Link>& expected = {}) const {
    const auto verdict = verify(path, expected);
    if (!verdict) return verdict.error().text();
    return verdict->fault ? std::to_string(verdict->fault->line) + ": " + verdict->fault->what : "";
  }
  std::string refused() const {
    const auto log = Log::open(path);
    return log ? "opened" : log.error().text();
  }

  std::string directory, path;
};

TEST_F(LogTest, IsAChainAndOnesOwn) {
  write(3);
  write(2);
  const auto verdict = verify(path, {});
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->fault) << verdict->fault->what;
  EXPECT_EQ(verdict->lines, 5U);
  EXPECT_EQ(verdict->head.seq, 5U);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(LogTest, WhatIsChangedRemovedOrMovedIsNamed) {
  write(4);
  const auto good = lines();
  auto all = good;
  all[1][all[1].find("web")] = 'W';
  set_lines(all);
  EXPECT_THAT(fault(), HasSubstr("2: "));
  all = good;
  all.erase(all.begin() + 1);
  set_lines(all);
  EXPECT_THAT(fault(), HasSubstr("2: it is number 3 and follows number 1"));
  all = good;
  all.erase(all.begin());
  set_lines(all);
  EXPECT_THAT(fault(), HasSubstr("1: it is number 2"));
  all = good;
  std::swap(all[1], all[2]);
  set_lines(all);
  EXPECT_THAT(fault(), HasSubstr("2: "));
  // With a number of its own and a good hash, but in the place of another.
  fs::remove(path);
  write(2);
  all = lines();
  set_lines({good[0], all[1], good[2], good[3]});
  EXPECT_THAT(fault(), HasSubstr("2: it does not go on from the line before it"));
  set_lines(good);
  EXPECT_EQ(fault(), "");
}

TEST_F(LogTest, ACutEndIsSeenByWhoKeptTheHead) {
  write(4);
  const auto head = verify(path, {})->head;
  auto all = lines();
  all.pop_back();
  set_lines(all);
  EXPECT_EQ(fault(), "");
  EXPECT_THAT(fault(head), HasSubstr("4: number 4 is expected and not there"));
  fs::remove(path);
  write(6);
  EXPECT_THAT(fault(head), HasSubstr("4: its hash is not the expected one"));
  EXPECT_EQ(parse_head("4:" + head.hash)->seq, 4U);
  for (const char* text : {"", "4", "4:", "x:y", ":"}) EXPECT_FALSE(parse_head(text)) << text;
}

TEST_F(LogTest, ALineThatACrashCutShortIsToldOf) {
  write(3);
  const std::string good = text();
  for (const std::size_t cut : {2U, 60U, 100U}) {
    set_text(good.substr(0, good.size() - cut));
    EXPECT_THAT(fault(), HasSubstr("3: cut short")) << cut;
    write(1);
    EXPECT_EQ(fault(), "") << cut;
    const auto verdict = verify(path, {});
    EXPECT_EQ(verdict->torn, 1U);
    EXPECT_EQ(verdict->lines, 4U);
    EXPECT_THAT(lines().at(3), HasSubstr(R"("event":"recovered")"));
  }
  // Only its end is missing: nothing is lost.
  set_text(good.substr(0, good.size() - 1));
  EXPECT_EQ(fault(), "");
  write(1);
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(verify(path, {})->lines, 4U);
  // Of the very first line.
  set_text(good.substr(0, 10));
  write(1);
  EXPECT_EQ(fault(), "");
  // What is only said to be torn was changed by hand.
  auto all = lines();
  all[0] += "x";
  set_lines(all);
  EXPECT_THAT(fault(), HasSubstr("1: changed, or cut short"));
}

TEST_F(LogTest, NothingIsAddedToWhatIsNotOurs) {
  write(2);
  auto all = lines();
  all[1] += " ";
  set_lines(all);
  const auto log = Log::open(path);
  ASSERT_TRUE(log);
  const std::string before = text();
  const auto appended = log->append(event("more"));
  ASSERT_FALSE(appended);
  EXPECT_THAT(appended.error().text(), HasSubstr("nucleus audit verify"));
  EXPECT_EQ(text(), before);
}

TEST_F(LogTest, ManyAppendAtOnce) {
  constexpr int kWriters = 8;
  constexpr int kLines = 25;
  std::vector<pid_t> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      const auto log = Log::open(path);
      for (int at = 0; log && at < kLines; ++at) {
        if (!log->append(event("e"))) ::_exit(1);
      }
      ::_exit(log ? 0 : 2);
    }
    writers.push_back(pid);
  }
  for (const pid_t pid : writers) {
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(verify(path, {})->lines, static_cast<std::uint64_t>(kWriters * kLines));
}

TEST_F(LogTest, WhenItIsMovedAwayTheNextBegins) {
  write(2);
  const auto log = Log::open(path);
  fs::rename(path, path + ".1");
  ASSERT_TRUE(log->append(event("more")));
  EXPECT_EQ(verify(path, {})->lines, 1U);
  EXPECT_EQ(verify(path + ".1", {})->lines, 2U);
}

TEST_F(LogTest, WhatOthersCouldChangeIsRefused) {
  const std::string other = directory + "/other";
  std::ofstream(other) << "";
  fs::create_symlink(other, path);
  EXPECT_THAT(refused(), HasSubstr("ELOOP"));
  fs::remove(path);
  fs::create_hard_link(other, path);
  EXPECT_THAT(refused(), HasSubstr("second name"));
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(refused(), HasSubstr("no regular file"));
  fs::remove(path);
  std::ofstream(path) << "";
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_THAT(refused(), HasSubstr("chmod go-w"));
  fs::remove(path);
  ASSERT_EQ(::chmod(directory.c_str(), 0777), 0);
  EXPECT_THAT(refused(), HasSubstr(directory));
  ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);
  EXPECT_EQ(refused(), "opened");
  path = directory + "/no/such";
  EXPECT_THAT(refused(), HasSubstr("ENOENT"));
  if (::geteuid() != 0) return;
  path = directory + "/audit.jsonl";
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(refused(), HasSubstr("12345"));
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(directory.c_str(), 12345, 12345), 0);
  EXPECT_THAT(refused(), HasSubstr("12345"));
}

}  // namespace
}  // namespace nucleus::audit
