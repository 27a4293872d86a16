#include "cli/live/detach_keys.h"

#include <gtest/gtest.h>

namespace nucleus::cli {
namespace {

TEST(DetachKeys, AreTakenOutAndEndIt) {
  auto keys = DetachKeys::parse("ctrl-p,ctrl-q");
  ASSERT_TRUE(keys);
  std::string typed = "ls\x10";
  EXPECT_FALSE(keys->take(typed));
  EXPECT_EQ(typed, "ls");
  typed = "\x10";  // the one before was meant, this one may begin the keys
  EXPECT_FALSE(keys->take(typed));
  EXPECT_EQ(typed, "\x10");
  typed = "x";
  EXPECT_FALSE(keys->take(typed));
  EXPECT_EQ(typed, "\x10x");
  typed = "y\x10\x11z";
  EXPECT_TRUE(keys->take(typed));
  EXPECT_EQ(typed, "y");
}

TEST(DetachKeys, ATailOfABeginningCounts) {
  auto keys = DetachKeys::parse("a,a,b");
  ASSERT_TRUE(keys);
  std::string typed = "aaab";
  EXPECT_TRUE(keys->take(typed));
  EXPECT_EQ(typed, "a");
}

TEST(DetachKeys, OfOddWordsAreRefused) {
  for (const char* text : {"ctrl-", "ctrl-1", "ab", "a,,b", "a,", "strg-p"})
    EXPECT_FALSE(DetachKeys::parse(text)) << text;
  auto comma = DetachKeys::parse(",");
  ASSERT_TRUE(comma);
  std::string typed = "a,b";
  EXPECT_TRUE(comma->take(typed));
  auto none = DetachKeys::parse("");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->take(typed = "\x10\x11"));
  EXPECT_EQ(typed, "\x10\x11");
}

}  // namespace
}  // namespace nucleus::cli
