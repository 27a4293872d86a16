// Devices of the host that are given: --device.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

NUCLEUS_SUITE(Devices);

// Everybody may open /dev/zero, on every host.
TEST_P(Devices, OneIsShownWhereItIsWanted) {
  const Ended ended = sandbox.sh(
      "head -c 3 /dev/given/here | wc -c; echo x > /dev/given/here && echo written; "
      "ls /dev/given; touch /dev/given/x 2>/dev/null || echo sealed; head -c 1 /dev/urandom | wc "
      "-c",
      {"--device", "/dev/zero:/dev/given/here"});
  EXPECT_EQ(ended.out, "3\nwritten\nhere\nsealed\n1\n") << ended.all();
  const Ended report = sandbox.run({"--json", "--device", "/dev/zero:/dev/z", "true"});
  EXPECT_THAT(testing::PrintToString(report.json()["notes"]),
              HasSubstr("weakened: --device /dev/zero:/dev/z"));
  EXPECT_THAT(sandbox.run({"--dry-run", "--device", "/dev/zero:/dev/z", "true"}).out,
              HasSubstr("c 1:5 rw"));
}

TEST_P(Devices, RootGivesTheContainersUserWhatOnlyRootMayOpen) {
  if (!sandbox.is_root()) GTEST_SKIP() << "an ordinary user gives only what he may open himself";
  ASSERT_EQ(::mknod((sandbox.home() + "/secret").c_str(), S_IFCHR | 0600, makedev(1, 5)), 0);
  const std::string flag = sandbox.home() + "/secret:/dev/z";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"-u", "1000"}, {"--userns", "host"}}) {
    std::vector<std::string> flags = {"--device", flag + ":r"};
    flags.insert(flags.end(), more.begin(), more.end());
    const Ended ended = sandbox.sh(
        "head -c 2 /dev/z | wc -c; (echo x > /dev/z) 2>/dev/null || echo refused; "
        "chmod 666 /dev/z 2>/dev/null || echo sealed",
        flags);
    EXPECT_EQ(ended.out, "2\nrefused\nsealed\n") << ended.all();
  }
  EXPECT_TRUE(container_cgroups().empty());
}

TEST_P(Devices, AUserGivesOnlyWhatHeMayOpen) {
  if (sandbox.is_root()) GTEST_SKIP() << "root may open everything";
  const Ended part = sandbox.run({"--device", "/dev/zero:/dev/z:r", "true"});
  EXPECT_EQ(part.code, 125);
  EXPECT_THAT(part.err, HasSubstr("give both"));
  const Ended closed = sandbox.run({"--device", "/dev/console:/dev/c", "true"});
  EXPECT_EQ(closed.code, 125);
  EXPECT_THAT(closed.err, HasSubstr("--device /dev/console:/dev/c"));
}

TEST_P(Devices, TheMachineItselfIsNotGiven) {
  if (!sandbox.is_root()) GTEST_SKIP() << "an ordinary user may not open it";
  for (const dev_t number : {makedev(1, 1), makedev(1, 2), makedev(1, 4), makedev(202, 0)}) {
    const std::string node = sandbox.home() + "/node" + std::to_string(number);
    ASSERT_EQ(::mknod(node.c_str(), S_IFCHR | 0600, number), 0) << ::strerror(errno);
    const Ended ended = sandbox.run({"--device", node + ":/dev/x", "true"});
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("owns the host"));
  }
  // The disk that we run on: in use, or not to be opened from here at all.
  struct stat info{};
  ASSERT_EQ(::stat("/usr", &info), 0);
  const std::string disk = sandbox.home() + "/disk";
  if (gnu_dev_major(info.st_dev) == 0) GTEST_SKIP() << "/usr lies on no disk";
  ASSERT_EQ(::mknod(disk.c_str(), S_IFBLK | 0600, info.st_dev), 0);
  const Ended ended = sandbox.run({"--device", disk + ":/dev/x:r", "true"});
  EXPECT_EQ(ended.code, 125) << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("--device"));
}

TEST_P(Devices, WhatIsNoDeviceOrHasNoPlaceIsRefused) {
  for (const auto& [item, says] : std::vector<std::pair<std::string, std::string>>{
           {"/etc/passwd", "below /dev"},
           {"/dev/zero:/x", "below /dev"},
           {"/dev/zero:/dev/null", "of its own"},
           {"/dev/zero:/dev/pts/0", "of its own"},
           {"/dev/zero:/dev/../etc/x", "PATH[:INSIDE][:rwm]"},
           {"dev/zero", "PATH[:INSIDE][:rwm]"},
           {"/dev/zero:m", "PATH[:INSIDE][:rwm]"}}) {
    const Ended ended = sandbox.run({"--device", item, "true"});
    EXPECT_EQ(ended.code, 2) << item;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("--device"), HasSubstr(says)));
  }
  sandbox.write("file", "x");
  const Ended file = sandbox.run({"--device", sandbox.home() + "/file:/dev/x", "true"});
  EXPECT_EQ(file.code, 125);
  EXPECT_THAT(file.err, HasSubstr("--volume"));
  EXPECT_EQ(sandbox.run({"--device", "/dev/no-such", "true"}).code, 125);
}

}  // namespace
}  // namespace nucleus::test
