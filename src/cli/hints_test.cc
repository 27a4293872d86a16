#include "cli/hints.h"

#include <gtest/gtest.h>

namespace nucleus::cli {
namespace {

TEST(Hints, NameTheNearestFlagOrWhatDockersFlagIsHere) {
  const std::vector<std::string> known = {"--memory", "--pids", "--timeout", "--network"};
  EXPECT_EQ(hint_for("--memroy", known), "did you mean --memory?");
  EXPECT_EQ(hint_for("--timout=3", known), "did you mean --timeout?");
  EXPECT_EQ(hint_for("--pids-limit=5", known), "use --pids");
  EXPECT_EQ(hint_for("--completely-else", known), "");
  EXPECT_NE(hint_for("--privileged", known).find("--cap-add"), std::string::npos);
}

}  // namespace
}  // namespace nucleus::cli
