#include "checkpoint/blockers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace nucleus::checkpoint {
namespace {

using testing::HasSubstr;

std::string what_of(const Descriptor& descriptor, std::vector<pid_t> processes = {7}) {
  const auto obstacle = obstacle_of(descriptor, processes);
  if (!obstacle) return "";
  EXPECT_NE(obstacle->cure, "");
  return obstacle->what;
}

TEST(Obstacles, OrdinaryDescriptorsAreNone) {
  for (const char* const link : {"/dev/null", "/dev/urandom", "/dev/pts/3", "/dev/tty"})
    EXPECT_EQ(what_of({.link = link, .device = true}), "") << link;
  for (const char* const link :
       {"pipe:[123]", "/tmp/file", "anon_inode:[eventfd]", "anon_inode:[eventpoll]",
        "anon_inode:[timerfd]", "anon_inode:inotify", "anon_inode:[signalfd]",
        "/memfd:x (deleted)"})
    EXPECT_EQ(what_of({.link = link, .size = 2U << 20}), "") << link;
  EXPECT_EQ(what_of({.link = "/tmp/x (deleted)", .size = 1000}), "");
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    EXPECT_EQ(what_of({.link = "socket:[1]", .socket = Socket{.family = family}}), "") << family;
  EXPECT_EQ(what_of({.link = "socket:[1]", .socket = Socket{.family = AF_UNIX, .peer = 7}}), "");
}

TEST(Obstacles, WhatIsNotSavedIsNamed) {
  EXPECT_EQ(what_of({.link = "anon_inode:[io_uring]"}), "an io_uring");
  EXPECT_EQ(what_of({.link = "anon_inode:bpf-map"}), "an object of BPF's");
  EXPECT_EQ(what_of({.link = "/dev/nvidia0", .device = true}), "a GPU");
  EXPECT_EQ(what_of({.link = "/dev/snd/pcm", .device = true}), "the device /dev/snd/pcm");
  EXPECT_THAT(what_of({.link = "/tmp/x (deleted)", .size = 2U << 20}), HasSubstr("2097152 bytes"));
  EXPECT_EQ(what_of({.link = "/data/db", .locked = true}), "a lock on /data/db");
  const auto socket = [](Socket it) { return what_of({.link = "socket:[1]", .socket = it}); };
  EXPECT_THAT(socket({.family = AF_VSOCK}), HasSubstr("family 40"));
  EXPECT_EQ(socket({.family = AF_INET, .connected = true}), "a connection by TCP");
  EXPECT_THAT(socket({.family = AF_UNIX, .outside = true}), HasSubstr("from outside"));
  EXPECT_THAT(socket({.family = AF_UNIX, .peer = 8}), HasSubstr("process 8 outside"));
}

// Of a process that has one of each: ourselves.
TEST(Blockers, AreFoundInALivingProcess) {
  const pid_t self = ::getpid();
  const auto all = [&] {
    std::string text;
    const auto found = find_blockers(std::array{self}, std::nullopt);
    if (!found) return found.error().text();
    for (const Blocker& blocker : *found) {
      EXPECT_EQ(blocker.pid, self);
      text += blocker.where + ": " + blocker.what + "\n";
    }
    return text;
  };
  const std::string before = all();
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener, name, size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, name, &size), 0);
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_EQ(all(), before);

  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(all(), before);
  ASSERT_EQ(::connect(client, name, size), 0);
  EXPECT_THAT(all(), HasSubstr("descriptor " + std::to_string(client) + ": a connection by TCP"));
  ::close(client);

  char path[] = "/tmp/nucleus-lock-XXXXXX";
  const int file = ::mkstemp(path);
  ASSERT_EQ(::flock(file, LOCK_EX), 0);
  EXPECT_THAT(all(), HasSubstr("descriptor " + std::to_string(file) + ": a lock on " + path));
  ::unlink(path);
  ASSERT_EQ(::flock(file, LOCK_UN), 0);
  ASSERT_EQ(::ftruncate(file, 3 << 20), 0);
  EXPECT_THAT(all(), HasSubstr("a deleted file of 3145728 bytes"));
  ::close(file);
  for (const int fd : {listener, pair[0], pair[1]}) ::close(fd);
  EXPECT_EQ(all(), before);
  // The init is not looked at; one that is gone has nothing.
  EXPECT_TRUE(find_blockers(std::array{self}, self)->empty());
}

}  // namespace
}  // namespace nucleus::checkpoint
