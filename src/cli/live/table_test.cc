#include "cli/live/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nucleus::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(Table, ColumnsAreAsWideAsTheirCells) {
  Table table({"A", "B"});
  table.row({"lönger", "x"});
  table.row({"\x1b[31m", "y"});
  EXPECT_EQ(table.text(), "A          B\nlönger     x\n\\x1b[31m   y\n");
}

TEST(Table, ACutIsBetweenCharacters) {
  EXPECT_EQ(cut("short", 10), "short");
  EXPECT_EQ(cut("äöüäöüäöü", 6), "äöü...");
  EXPECT_EQ(cut("äöüäöüäöü", 0), "äöüäöüäöü");
}

TEST(Table, AFormatNamesMembers) {
  const Json object = {{"id", "x1"}, {"ending", {{"code", 3}}}, {"name", nullptr}};
  EXPECT_EQ(formatted("{id}: {ending.code}{name}", object).value_or(""), "x1: 3");
  EXPECT_EQ(formatted("{{.ID}}\\t{{ .Ending.Code }}", object).value_or(""), "x1\t3");
  EXPECT_EQ(formatted("no { end", object).value_or(""), "no { end");
  EXPECT_THAT(formatted("{nothing}", object).error().text(), testing::HasSubstr("id, ending"));
}

}  // namespace
}  // namespace nucleus::cli
