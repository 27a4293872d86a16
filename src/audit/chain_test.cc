#include "audit/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"

namespace nucleus::audit {
namespace {

Event event(const std::string& what) {
  return {.event = what,
          .id = "0123456789abcdef",
          .name = "web",
          .actor = {.uid = 1000, .gid = 100, .pid = 42},
          .command = {"login", "--token=abc"},
          .details = {{"signal", "TERM"}}};
}

TEST(Chain, ALineSaysWhatHappened) {
  Link link;
  const std::string line = line_of(event("kill"), "2026-11-26T10:00:00.000Z", {}, link);
  EXPECT_EQ(line,
            R"({"seq":1,"time":"2026-11-26T10:00:00.000Z","event":"kill","id":"0123456789abcdef",)"
            R"("name":"web","actor":{"uid":1000,"gid":100,"pid":42},"result":"ok",)"
            R"("command":["login","--token=[redacted]"],"detail":{"signal":"TERM"},"prev":")" +
                std::string(64, '0') + R"(","hash":")" + link.hash + "\"}\n");
  Sha256 sha;
  sha.add(line.substr(0, line.find(",\"hash\"")));
  EXPECT_EQ(link.hash, sha.finish());
  EXPECT_EQ(link.seq, 1U);
}

TEST(Chain, ItComesBackAsItWasWritten) {
  Link first;
  Link second;
  (void)line_of(event("create"), now_text(), {}, first);
  std::string text = line_of(event("start"), now_text(), first, second);
  text.pop_back();
  const auto line = read_line(text);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->link, second);
  EXPECT_EQ(line->prev, first.hash);
  EXPECT_EQ(line->link.seq, 2U);
}

TEST(Chain, AnyChangeOfAnyByteIsSeen) {
  Link link;
  std::string text = line_of(event("start"), now_text(), {}, link);
  text.pop_back();
  ASSERT_TRUE(read_line(text));
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_FALSE(read_line(other)) << at;
    other = text;
    other.erase(at, 1);
    EXPECT_FALSE(read_line(other)) << at;
  }
  EXPECT_FALSE(read_line(""));
  EXPECT_FALSE(read_line(text + " "));
}

TEST(Chain, NoEventMakesALineThatIsTooLong) {
  const std::string control(100'000, '\x01');
  Event one = event(control.substr(0, 8));
  one.id = one.name = one.message = control;
  one.stage = Stage::error;
  one.command = std::vector<std::string>(1000, control);
  one.details = {{"a", control}, {"b", control}, {"c", control}, {"d", control}, {"e", control}};
  Link link;
  const std::string line = line_of(one, now_text(), {}, link);
  EXPECT_LT(line.size(), kMostLineBytes);
  EXPECT_TRUE(read_line(std::string_view(line).substr(0, line.size() - 1)));
}

TEST(Chain, ForeignBytesStayInOneLine) {
  Event one = event("start");
  one.message = "a\nb\xff";
  one.stage = Stage::error;
  Link link;
  const std::string line = line_of(one, now_text(), {}, link);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_THAT(line, testing::HasSubstr(R"("message":"a\nb)"));
}

}  // namespace
}  // namespace nucleus::audit
