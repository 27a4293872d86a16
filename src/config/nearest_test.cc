#include "config/nearest.h"

#include <gtest/gtest.h>

namespace nucleus::config {
namespace {

TEST(Nearest, CountSlipsOfTheHand) {
  EXPECT_EQ(distance("", "abc"), 3U);
  EXPECT_EQ(distance("memory", "memory"), 0U);
  EXPECT_EQ(distance("memroy", "memory"), 1U);
  EXPECT_EQ(distance("memry", "memory"), 1U);
  EXPECT_EQ(distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsNothingWhereItWouldBeGuessing) {
  EXPECT_EQ(nearest("memroy", {"pids", "memory"}), "memory");
  EXPECT_EQ(nearest("else", {"pids", "memory"}), "");
}

}  // namespace
}  // namespace nucleus::config
