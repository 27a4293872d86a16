#include "container/processes.h"

#include <gtest/gtest.h>

namespace nucleus::container {
namespace {

constexpr const char* kStatus =
    "Name:\tsh\nState:\tS (sleeping)\nPid:\t70\nPPid:\t60\nUid:\t100000\t100001\t100001\t100001\n"
    "NSpid:\t70\t3\nVmRSS:\t   12 kB\n";

TEST(Processes, AreReadFromTheirTexts) {
  const auto process = parse_process(
      kStatus, "70 (a) b (c) S 60 70 70 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1",
      std::string("sh\0-c\0x y\0", 10));
  ASSERT_TRUE(process);
  EXPECT_EQ(process->host_pid, 70);
  EXPECT_EQ(process->host_parent, 60);
  EXPECT_EQ(process->pids, (std::vector<pid_t>{70, 3}));
  EXPECT_EQ(process->host_uid, 100001U);
  EXPECT_EQ(process->memory_bytes, 12U << 10);
  EXPECT_EQ(process->name, "a) b (c");
  EXPECT_EQ(process->state, 'S');
  EXPECT_EQ(process->command, (std::vector<std::string>{"sh", "-c", "x y"}));
  EXPECT_GT(process->cpu_msec, 0U);
}

TEST(Processes, ThatAreCutShortAreNone) {
  EXPECT_FALSE(parse_process("", "", ""));
  EXPECT_FALSE(parse_process(kStatus, "70 (sh) S 60", ""));
  EXPECT_FALSE(parse_process(kStatus, "70 ", ""));
  EXPECT_FALSE(parse_process("Name:\tsh\nPPid:\t1\nUid:\t0\nNSpid:\t\n", "1 (sh) S", ""));
}

TEST(Processes, HaveTheNumberThatTheMapGives) {
  const std::string map = "         0       1000          1\n         1     100000      65535\n";
  EXPECT_EQ(inside_id(map, 1000), 0U);
  EXPECT_EQ(inside_id(map, 100004), 5U);
  EXPECT_EQ(inside_id(map, 0), std::nullopt);
  EXPECT_EQ(inside_id("", 0), std::nullopt);
}

}  // namespace
}  // namespace nucleus::container
