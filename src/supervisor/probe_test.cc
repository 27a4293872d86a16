#include "supervisor/probe.h"

#include <gtest/gtest.h>

namespace nucleus::supervisor {
namespace {

TEST(ProbeText, NothingOfItReachesATerminal) {
  EXPECT_EQ(probe_text("all\tis\nwell\n\n"), "all\tis\nwell");
  EXPECT_EQ(probe_text("\x1b[31mred\x7f\r"), "?[31mred??");
  EXPECT_EQ(probe_text("a\xC2\x9B"
                       "b\xC3\xA9"),
            "a?b\xC3\xA9");
  EXPECT_EQ(probe_text(std::string(10'000, 'x')).size(), 4096U);
  EXPECT_EQ(probe_text(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(probe_text("\n"), "");
}

}  // namespace
}  // namespace nucleus::supervisor
