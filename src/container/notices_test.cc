#include "container/notices.h"

#include <gtest/gtest.h>

namespace nucleus::container {
namespace {

TEST(Notice, LinesAreTakenByTheirNames) {
  const Notice notice = parse_notice("READY=1\nSTATUS=3 of 4\nMAINPID=1\nWATCHDOG=1\n");
  EXPECT_TRUE(notice.ready);
  EXPECT_TRUE(notice.watchdog);
  EXPECT_EQ(notice.status, "3 of 4");
  EXPECT_EQ(notice.lines, "READY=1\nSTATUS=3 of 4\nWATCHDOG=1");
}

TEST(Notice, JunkIsPassedOver) {
  for (const std::string_view junk :
       {"", "\n\n", "READY=2", "ready=1", "XREADY=1", "READY=1 ", "MAINPID=7", "FDSTORE=1",
        "EXTEND_TIMEOUT_USEC=", "EXTEND_TIMEOUT_USEC=1x", "ERRNO=-1", "BARRIER=1"}) {
    const Notice notice = parse_notice(junk);
    EXPECT_FALSE(notice.ready) << junk;
    EXPECT_FALSE(notice.status) << junk;
    EXPECT_EQ(notice.lines, "") << junk;
  }
  EXPECT_EQ(parse_notice("x\nEXTEND_TIMEOUT_USEC=500\ny").lines, "EXTEND_TIMEOUT_USEC=500");
}

TEST(Notice, AStatusCannotWriteOnATerminal) {
  EXPECT_EQ(parse_notice("STATUS=\x1b[2J\ttwo").status, "?[2J\ttwo");
  EXPECT_EQ(parse_notice("STATUS=a\xC2\x9B").status, "a?");
  EXPECT_EQ(parse_notice("STATUS=" + std::string(5000, 'a')).status->size(), 256U);
  // Cut between letters.
  EXPECT_EQ(parse_notice("STATUS=" + std::string(255, 'a') + "\xC3\xA9").status,
            std::string(255, 'a'));
}

}  // namespace
}  // namespace nucleus::container
