#include "cli/print.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nucleus::cli {
namespace {

TEST(Printable, ControlCharactersCannotReachATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(Printable, NothingOfUnicodeSteersATerminal) {
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // U+009B is CSI
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");  // so is the bare byte
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "x"),
            "\\xe2\\x80\\xaex");                                     // right to left
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");           // line separator
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");                    // overlong ESC
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // past the last one
  EXPECT_EQ(printable("a\xe2\x80"), "a\\xe2\\x80");                  // cut short
  EXPECT_EQ(printable("\xe6\xbc\xa2\xf0\x9f\x90\xa7"), "\xe6\xbc\xa2\xf0\x9f\x90\xa7");
}

TEST(OutcomeJson, EscapesWhatSteersATerminal) {
  spec::Outcome outcome;
  outcome.notes = {
      "a\x1b[2J\xc2\x9b"
      "b\x7f\xc3\xa4"};
  const std::string text = outcome_json(outcome);
  EXPECT_NE(text.find("a\\u001b[2J\\u009bb\\u007f\xc3\xa4"), std::string::npos) << text;
  EXPECT_EQ(nlohmann::json::parse(text)["notes"][0], outcome.notes[0]);
}

TEST(OutcomeJson, IsOneLineThatAParserReads) {
  spec::Outcome outcome;
  outcome.id = "0123456789abcdef";
  outcome.reason = spec::Reason::oom;
  outcome.code = 137;
  outcome.signal = 9;
  outcome.limit = "--memory 64 MiB";
  outcome.message = "a \"quote\"\nand a bad byte \xff";
  outcome.oom_kills = 1;
  outcome.layers.namespaces = {"user", "pid"};
  const std::string text = outcome_json(outcome);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["reason"], "oom");
  EXPECT_EQ(json["signal"], 9);
  EXPECT_EQ(json["limit"], "--memory 64 MiB");
  EXPECT_TRUE(json["peak_memory_bytes"].is_null());
  EXPECT_EQ(json["layers"]["namespaces"].size(), 2U);
}

}  // namespace
}  // namespace nucleus::cli
