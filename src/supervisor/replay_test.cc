#include "supervisor/replay.h"

#include <gtest/gtest.h>

namespace nucleus::supervisor {
namespace {

TEST(Replay, KeepsAllOfLittle) {
  Replay replay(16);
  replay.add("no newline");
  EXPECT_EQ(replay.text(), "no newline");
  replay.clear();
  EXPECT_EQ(replay.text(), "");
}

TEST(Replay, BeginsAtALineWhenSomethingIsLost) {
  Replay replay(16);
  for (int line = 10; line < 99; ++line) replay.add("line " + std::to_string(line) + "\n");
  EXPECT_EQ(replay.text(), "line 98\n");
  replay.add(std::string(100, 'x') + "\nlast");
  EXPECT_EQ(replay.text(), "last");
}

TEST(Replay, AsksTheTerminalNothing) {
  Replay replay;
  replay.add("a\x1b[6n\x1b[5n\x1b[c\x1b[>0c\x1b[?6nb\x1b[31mred\x1b[2Jc\x1b[");
  EXPECT_EQ(replay.text(), "ab\x1b[31mred\x1b[2Jc\x1b[");
}

}  // namespace
}  // namespace nucleus::supervisor
