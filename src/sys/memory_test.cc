#include "sys/memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace nucleus::sys {
namespace {

long resident_kib() {
  std::ifstream lines("/proc/self/smaps_rollup");
  long kib = 0;
  for (std::string word; lines >> word;) {
    if (word == "Rss:") lines >> kib;
  }
  return kib;
}

TEST(Memory, CodeThatIsGivenBackIsThereAgainWhenItIsUsed) {
  const long before = resident_kib();
  ASSERT_GT(before, 0);
  release_code();
  EXPECT_LT(resident_kib(), before);
}

}  // namespace
}  // namespace nucleus::sys
