#include "control/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.h"

namespace nucleus::control {
namespace {

struct Pair {
  Pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    left = sys::UniqueFd(ends[0]);
    right = sys::UniqueFd(ends[1]);
  }
  sys::UniqueFd left, right;
};

TEST(Packet, TextAndDescriptorsArriveTogether) {
  const Pair pair;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const sys::UniqueFd in(pipe_ends[0]);
  sys::UniqueFd out(pipe_ends[1]);
  ASSERT_TRUE(send_packet(pair.left.get(), "hello", {out.get()}));
  out.reset();
  const auto packet = receive_packet(pair.right.get());
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->text, "hello");
  ASSERT_EQ((*packet)->fds.size(), 1U);
  ASSERT_EQ(::write((*packet)->fds[0].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(in.get(), &byte, 1), 1);
}

TEST(Packet, TheEndIsNothing) {
  Pair pair;
  pair.left.reset();
  const auto packet = receive_packet(pair.right.get());
  ASSERT_TRUE(packet);
  EXPECT_FALSE(*packet);
}

TEST(Packet, LastWordsAreHeardFromWhoDidNotHearOurs) {
  Pair pair;
  ASSERT_TRUE(send_packet(pair.right.get(), "never read"));
  ASSERT_TRUE(send_packet(pair.left.get(), "last words"));
  pair.left.reset();
  const auto packet = receive_packet(pair.right.get());
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->text, "last words");
  const auto end = receive_packet(pair.right.get());
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST(Packet, WhatIsTooLongIsRefusedByItsSender) {
  const Pair pair;
  EXPECT_FALSE(send_packet(pair.left.get(), std::string(kMostBytes + 1, 'x')));
  EXPECT_TRUE(send_packet(pair.left.get(), std::string(kMostBytes, 'x')));
  const auto packet = receive_packet(pair.right.get());
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->text.size(), kMostBytes);
}

TEST(Packet, AnErrorComesThroughWhole) {
  Error error = fail(Kind::not_found, 2, "do", "it", "try again").error();
  error.trail = {"here"};
  const auto back = answer_of(error_text(error));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().text(), error.text());
  EXPECT_EQ(back.error().kind, Kind::not_found);
  EXPECT_EQ(answer_of("{\"id\":\"x\"}").value_or(""), "{\"id\":\"x\"}");
  EXPECT_FALSE(answer_of("nonsense"));
}

TEST(Client, NobodyThereIsAPlainAnswer) {
  const auto socket = connect_to("/tmp");
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().kind, Kind::usage);
  EXPECT_THAT(socket.error().text(), testing::HasSubstr("does not run"));
}

}  // namespace
}  // namespace nucleus::control
