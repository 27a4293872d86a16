#include "cli/print.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nucleus::cli {
namespace {

TEST(Printable, ControlCharactersCannotReachATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
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
