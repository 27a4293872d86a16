#include "log/journal.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

namespace nucleus::log {
namespace {

// Stands for journald.
class Listener {
 public:
  explicit Listener(std::string path) : path_(std::move(path)) { listen(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  void again() {
    ::close(fd_);
    ::unlink(path_.c_str());
    listen();
  }
  [[nodiscard]] std::string hear() const {
    std::array<char, 70000> buffer{};
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

 private:
  void listen() {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    (void)std::snprintf(name.sun_path, sizeof name.sun_path, "%s", path_.c_str());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  std::string path_;
  int fd_ = -1;
};

std::string some_path() { return testing::TempDir() + "journal-" + std::to_string(::getpid()); }

const std::string kFields =
    "SYSLOG_IDENTIFIER=web\nCONTAINER_NAME=web\nCONTAINER_TAG=web\nCONTAINER_ID=1234\n"
    "CONTAINER_ID_FULL=1234\n";

std::string message(const std::string& text) {
  std::string entry = "MESSAGE\n";
  for (unsigned shift = 0; shift < 64; shift += 8)
    entry += static_cast<char>(text.size() >> shift & 0xFFU);
  return entry + text + "\n";
}

TEST(Journal, EveryLineIsAnEntry) {
  const Listener listener(some_path());
  auto journal = Journal::open({.socket = some_path(), .id = "1234", .name = "web"});
  ASSERT_TRUE(journal) << journal.error().text();
  journal->take(Stream::out, "one\ntwo\r\nthr");
  journal->take(Stream::err, "bad\n");
  const std::string out = "PRIORITY=6\nNUCLEUS_STREAM=stdout\n";
  EXPECT_EQ(listener.hear(), message("one") + out + kFields);
  EXPECT_EQ(listener.hear(), message("two") + out + kFields);
  EXPECT_EQ(listener.hear(), message("bad") + "PRIORITY=3\nNUCLEUS_STREAM=stderr\n" + kFields);
  journal->renamed("www");
  journal->flush();
  const std::string last = listener.hear();
  EXPECT_TRUE(last.starts_with(message("thr") + out + "CONTAINER_PARTIAL_MESSAGE=true\n")) << last;
  EXPECT_NE(last.find("CONTAINER_NAME=www\n"), std::string::npos);
  EXPECT_EQ(listener.hear(), "nothing");
}

TEST(Journal, WhatIsInALineCannotBeAField) {
  const std::string entry = journal_entry(Stream::out, std::string("a\0PRIORITY=0\xFF\n", 14), "");
  EXPECT_EQ(entry,
            message(std::string("a\0PRIORITY=0\xFF", 13)) + "PRIORITY=6\nNUCLEUS_STREAM=stdout\n");
}

TEST(Journal, OneThatIsStartedAnewIsFoundAgain) {
  Listener listener(some_path());
  auto journal = Journal::open({.socket = some_path(), .id = "1234", .name = "web"});
  ASSERT_TRUE(journal);
  listener.again();
  journal->take(Stream::out, "one\n");
  EXPECT_TRUE(listener.hear().starts_with(message("one")));
  EXPECT_EQ(journal->lost(), 0U);
}

TEST(Journal, OneThatDoesNotReadStopsNobody) {
  const Listener listener(some_path());
  auto journal = Journal::open({.socket = some_path(), .id = "1234", .name = "web"});
  ASSERT_TRUE(journal);
  for (int round = 0; round < 20000; ++round) journal->take(Stream::out, "one\n");
  EXPECT_GT(journal->lost(), 1000U);
  while (listener.hear() != "nothing") {
  }
  const auto lost = journal->lost();
  journal->take(Stream::out, "again\n");
  EXPECT_EQ(journal->lost(), lost);
  EXPECT_TRUE(listener.hear().starts_with(message("again")));
}

TEST(Journal, NobodyThereIsAnError) {
  const auto journal = Journal::open({.socket = some_path(), .id = "1234", .name = "web"});
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().text().find("--log-driver json"), std::string::npos);
}

}  // namespace
}  // namespace nucleus::log
