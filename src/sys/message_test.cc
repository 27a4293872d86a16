#include "sys/message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nucleus::sys {
namespace {

class Message : public testing::Test {
 protected:
  Message() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    left = UniqueFd(ends[0]);
    right = UniqueFd(ends[1]);
  }
  [[nodiscard]] Result<> say(std::string_view words, std::span<const int> fds = {}) const {
    return send_message(left.get(), words, fds, "the other");
  }
  [[nodiscard]] Result<std::optional<Received>> hear(std::size_t most_fds = 4) {
    return receive_message(right.get(), room, most_fds, "the other");
  }
  [[nodiscard]] static std::size_t open_files() {
    const int lowest = ::dup(0);
    ::close(lowest);
    return static_cast<std::size_t>(lowest);
  }

  UniqueFd left, right;
  std::array<char, 8> room{};
};

TEST_F(Message, LastWordsComeBeforeTheEnd) {
  ASSERT_TRUE(send_message(right.get(), "unread", {}, "the other"));
  ASSERT_TRUE(say("last"));
  left.reset();
  const auto heard = hear();
  ASSERT_TRUE(heard && *heard) << "the kernel tells of the reset first";
  EXPECT_EQ(std::string_view(room.data(), (*heard)->size), "last");
  const auto end = hear();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
  EXPECT_EQ(send_message(right.get(), "too late", {}, "the other").error().errnum, EPIPE);
}

TEST_F(Message, DescriptorsComeAlongAndCloseAtExec) {
  const int both[] = {left.get(), right.get()};
  ASSERT_TRUE(say("two", both));
  const auto heard = hear();
  ASSERT_TRUE(heard && *heard);
  ASSERT_EQ((*heard)->fds.size(), 2U);
  for (const UniqueFd& fd : (*heard)->fds) EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(Message, WhatHasNoRoomIsRefusedAndLeavesNoDescriptor) {
  const std::size_t before = open_files();
  ASSERT_TRUE(say("longer than eight"));
  EXPECT_EQ(hear().error().errnum, EMSGSIZE);
  const int many[] = {left.get(), left.get(), left.get(), left.get(), left.get(), left.get()};
  ASSERT_TRUE(say("many", many));
  EXPECT_EQ(hear(2).error().errnum, EMSGSIZE);
  EXPECT_EQ(open_files(), before);
  const std::vector<int> too_many(kMostFds + 1, left.get());
  EXPECT_EQ(say("x", too_many).error().errnum, EINVAL);
}

}  // namespace
}  // namespace nucleus::sys
