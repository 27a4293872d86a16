#include "base/units.h"

#include <gtest/gtest.h>

namespace nucleus {
namespace {

using std::chrono::milliseconds;

TEST(ByteSize, TakesSuffixesAsDockerDoes) {
  EXPECT_EQ(ByteSize::parse("-m", "512")->bytes, 512U);
  EXPECT_EQ(ByteSize::parse("-m", "64M")->bytes, 64U << 20);
  EXPECT_EQ(ByteSize::parse("-m", "64mb")->bytes, 64U << 20);
  EXPECT_EQ(ByteSize::parse("-m", "2GiB")->bytes, 2ULL << 30);
  EXPECT_EQ(ByteSize::parse("-m", "1t")->bytes, 1ULL << 40);
}

TEST(ByteSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "M", "-1M", "+1M", "1.5G", "1X", "1 M", " 1M", "0x10", "max",
                           "99999999999999999999", "9999999999T", "16383P"}) {
    const auto size = ByteSize::parse("--memory", text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().kind, Kind::usage);
    EXPECT_NE(size.error().text().find("--memory"), std::string::npos) << size.error().text();
    EXPECT_FALSE(size.error().hint.empty());
  }
}

TEST(ByteSize, PrintsTheLargestWholeUnit) {
  EXPECT_EQ(ByteSize{64U << 20}.text(), "64 MiB");
  EXPECT_EQ(ByteSize{1536U << 10}.text(), "1536 KiB");
  EXPECT_EQ(ByteSize{17}.text(), "17 bytes");
  EXPECT_EQ(ByteSize{0}.text(), "0 bytes");
}

TEST(CpuQuota, IsAShareOfAHundredMilliseconds) {
  EXPECT_EQ(CpuQuota::parse("--cpus", "2.5")->quota_usec, 250'000U);
  EXPECT_EQ(CpuQuota::parse("--cpus", "0.01")->quota_usec, 1'000U);
  for (const char* text : {"0", "0.001", "-1", "nan", "inf", "1e3", "100000", "", "1,5"}) {
    EXPECT_FALSE(CpuQuota::parse("--cpus", text)) << text;
  }
}

TEST(Duration, PlainNumbersAreSeconds) {
  EXPECT_EQ(*parse_duration("--timeout", "1"), milliseconds(1000));
  EXPECT_EQ(*parse_duration("--timeout", "1.5"), milliseconds(1500));
  EXPECT_EQ(*parse_duration("--timeout", "250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("--timeout", "5m"), milliseconds(300'000));
  EXPECT_EQ(*parse_duration("--timeout", "1h"), milliseconds(3'600'000));
  for (const char* text : {"0", "-1", "", "s", "1d", "1 s", "inf", "99999999999999h", "0.0001"}) {
    EXPECT_FALSE(parse_duration("--timeout", text)) << text;
  }
}

TEST(Number, HoldsItsBounds) {
  EXPECT_EQ(*parse_number("--pids", "1", 1, 10), 1U);
  EXPECT_EQ(*parse_number("--pids", "10", 1, 10), 10U);
  for (const char* text : {"0", "11", "-1", "1x", "", "18446744073709551616"}) {
    EXPECT_FALSE(parse_number("--pids", text, 1, 10)) << text;
  }
}

TEST(ErrorText, SaysWhatWhichWhyAndCure) {
  const Error error = with_context(
      fail(Kind::runtime, 13, "open the source", "/x", "check its mode").error(), "-v");
  EXPECT_EQ(error.text(),
            "cannot open the source '/x': EACCES: Permission denied (-v); check its mode");
}

}  // namespace
}  // namespace nucleus
