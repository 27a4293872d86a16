#include "sys/event_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <vector>

#include "sys/unique_fd.h"

namespace nucleus::sys {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, CallsForDescriptorsAndMomentsInOrder) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  EventLoop loop;
  std::vector<int> seen;
  loop.watch(in.get(), POLLIN, [&](short) {
    char byte = 0;
    ASSERT_EQ(::read(in.get(), &byte, 1), 1);
    seen.push_back(byte);
    if (byte == 'b') loop.stop();
  });
  loop.after(2ms, [&] { ASSERT_EQ(::write(out.get(), "b", 1), 1); });
  loop.after(1ms, [&] { ASSERT_EQ(::write(out.get(), "a", 1), 1); });
  const auto never = loop.after(0ms, [&] { seen.push_back(0); });
  loop.cancel(never);
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(seen, (std::vector<int>{'a', 'b'}));
}

TEST(EventLoop, WhatWasUnwatchedIsNotCalled) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  EventLoop loop;
  int calls = 0;
  EventLoop::Id first = 0;
  EventLoop::Id second = 0;
  first = loop.watch(out.get(), POLLOUT, [&](short) {
    ++calls;
    loop.unwatch(first);
    loop.unwatch(second);
    loop.after(1ms, [&] { loop.stop(); });
  });
  second = loop.watch(out.get(), POLLOUT, [&](short) { ++calls; });
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, WithoutEventsItIsNotWaitedFor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  EventLoop loop;
  int calls = 0;
  const auto id = loop.watch(out.get(), 0, [&](short) {
    ++calls;
    loop.stop();
  });
  loop.after(1ms, [&] {
    EXPECT_EQ(calls, 0);
    loop.change(id, POLLOUT);
  });
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace nucleus::sys
