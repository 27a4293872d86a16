#include "resources/device_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace nucleus::resources {
namespace {

// What the kernel would answer, as far as these programs go.
std::uint64_t ask(const std::vector<bpf_insn>& code, std::uint32_t type, std::uint32_t access,
                  std::uint32_t major, std::uint32_t minor) {
  const std::uint32_t question[3] = {access << 16 | type, major, minor};
  std::uint64_t registers[11] = {};
  for (std::size_t at = 0; at < code.size(); ++at) {
    const bpf_insn& step = code[at];
    std::uint64_t& to = registers[step.dst_reg];
    const auto value = static_cast<std::uint32_t>(step.imm);
    switch (step.code) {
      case BPF_LDX | BPF_W | BPF_MEM: to = question[step.off / 4]; break;
      case BPF_ALU | BPF_X | BPF_MOV: to = registers[step.src_reg]; break;
      case BPF_ALU | BPF_K | BPF_AND: to &= value; break;
      case BPF_ALU | BPF_K | BPF_RSH: to >>= value; break;
      case BPF_ALU64 | BPF_K | BPF_MOV: to = value; break;
      case BPF_JMP | BPF_K | BPF_JNE:
        if (to != value) at += static_cast<std::size_t>(step.off);
        break;
      case BPF_JMP | BPF_EXIT: return registers[0];
      default: ADD_FAILURE() << int{step.code}; return 99;
    }
  }
  ADD_FAILURE() << "the program runs off its end";
  return 99;
}

constexpr std::uint32_t kChar = BPF_DEVCG_DEV_CHAR, kBlock = BPF_DEVCG_DEV_BLOCK;
constexpr std::uint32_t kRead = BPF_DEVCG_ACC_READ, kWrite = BPF_DEVCG_ACC_WRITE;

TEST(DeviceProgram, AllowsWhatARuleNamesAndNothingElse) {
  const std::vector<DeviceRule> rules = {{.major = 10, .minor = 229},
                                         {.major = 7, .minor = 1, .block = true, .write = false},
                                         {.major = 136}};
  const auto code = device_program(rules);
  EXPECT_EQ(ask(code, kChar, kRead | kWrite, 10, 229), 1U);
  EXPECT_EQ(ask(code, kChar, BPF_DEVCG_ACC_MKNOD, 10, 229), 0U);
  EXPECT_EQ(ask(code, kBlock, kRead, 10, 229), 0U);
  EXPECT_EQ(ask(code, kChar, kRead, 10, 228), 0U);
  EXPECT_EQ(ask(code, kBlock, kRead, 7, 1), 1U);
  EXPECT_EQ(ask(code, kBlock, kWrite, 7, 1), 0U);
  EXPECT_EQ(ask(code, kBlock, kRead | kWrite, 7, 1), 0U);
  EXPECT_EQ(ask(code, kChar, kWrite, 136, 55), 1U);
  EXPECT_EQ(ask(code, kChar, kRead, 1, 3), 0U);
  EXPECT_EQ(ask(device_program({}), kChar, kRead, 1, 3), 0U);
  EXPECT_EQ(ask(device_program(usual_devices()), kChar, kRead | kWrite, 1, 3), 1U);
}

TEST(DeviceProgram, TheLinesOfTheOlderHierarchy) {
  EXPECT_EQ((DeviceRule{.major = 10, .minor = 229}).text(), "c 10:229 rw");
  EXPECT_EQ((DeviceRule{.major = 7, .block = true, .write = false}).text(), "b 7:* r");
}

TEST(DeviceProgram, TheKernelTakesItAndHoldsToIt) {
  std::string made;
  for (const char* mount : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
    struct statfs info{};
    if (::statfs(mount, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC)
      made = std::string(mount) + "/nucleus-devices-test-" + std::to_string(::getpid());
    if (!made.empty()) break;
  }
  if (made.empty()) GTEST_SKIP() << "no cgroup v2 is mounted";
  if (::mkdir(made.c_str(), 0755) < 0)
    GTEST_SKIP() << "no cgroup can be made: " << ::strerror(errno);
  const int fd = ::open(made.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const DeviceRule zero{.major = 1, .minor = 5, .write = false};
  const auto attached = attach_devices(fd, {&zero, 1});
  if (attached) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::ofstream(made + "/cgroup.procs") << "0" << std::flush;
      const bool held = ::open("/dev/zero", O_RDONLY) >= 0 && ::open("/dev/zero", O_WRONLY) < 0 &&
                        ::open("/dev/full", O_RDONLY) < 0;
      ::_exit(held ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  ::close(fd);
  EXPECT_EQ(::rmdir(made.c_str()), 0);
  if (!attached) GTEST_SKIP() << attached.error().text();
}

}  // namespace
}  // namespace nucleus::resources
