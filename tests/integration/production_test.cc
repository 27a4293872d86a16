// Production mode: every invariant holds, or nothing is started.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Production : public ForEverybody {
 protected:
  void SetUp() override {
    for (const char* name : {"r", "r/bin", "r/etc", "r/proc", "r/sys", "r/dev"})
      sandbox.make_directory(name);
    fs::copy_file("/bin/busybox", rootfs + "/bin/sh");
    ::chmod((rootfs + "/bin/sh").c_str(), 0755);
    sandbox.own(rootfs + "/bin/sh");
  }
  // What production asks for, and more of it.
  [[nodiscard]] Ended run(std::vector<std::string> more, const std::string& script) const {
    std::vector<std::string> words = {"--service-mode", "production", "--audit-log", log,
                                      "--rootfs",       rootfs,       "--memory",    "64M",
                                      "--cpus",         "0.5"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--", "/bin/sh", "-c", script});
    return sandbox.run(words);
  }
  std::string rootfs = sandbox.home() + "/r";
  std::string log = sandbox.home() + "/audit.jsonl";
};
INSTANTIATE_TEST_SUITE_P(As, Production, testing::ValuesIn(everybody()), name_of);

TEST_P(Production, AServiceRunsAndIsHeldAsPromised) {
  if (!limits_work(GetParam())) GTEST_SKIP() << "no cgroup of this user's holds limits here";
  const Ended ended = run({},
                          "cat /proc/self/uid_map; grep ' /proc ' /proc/mounts; "
                          "grep NoNewPrivs /proc/self/status; echo x > /proc/sys/kernel/hostname");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("hidepid=invisible"), HasSubstr("NoNewPrivs:\t1")));
  EXPECT_THAT(ended.out, Not(testing::ContainsRegex("^ *0 +0 ")));
  EXPECT_NE(ended.code, 0);
  EXPECT_EQ(sandbox.call({"audit", "--file", log, "verify"}).code, 0);
}

TEST_P(Production, EachThatDoesNotHoldIsNamedAndNothingIsMade) {
  const auto refused = [&](const std::vector<std::string>& more, const char* name) {
    const Ended ended = run(more, "echo started");
    // Without a cgroup it comes to an end before they are looked at.
    EXPECT_EQ(ended.code, limits_work(GetParam()) ? 2 : 125) << ended.all();
    EXPECT_EQ(ended.out, "");
    if (limits_work(GetParam())) {
      EXPECT_THAT(ended.err, HasSubstr(std::string(name) + ":"));
    }
  };
  refused({"--allow-degraded", "keyring"}, "not-degraded");
  refused({"--no-init"}, "init");
  refused({"--cap-add", "SETUID"}, "capabilities");
  refused({"--seccomp-allow", "ptrace"}, "seccomp");
  refused({"--proc-rw"}, "proc");
  ::chmod((rootfs + "/etc").c_str(), 0777);
  refused({}, "rootfs-trusted");
  EXPECT_FALSE(fs::exists(sandbox.state() + "/containers/x"));
}

TEST_P(Production, AllThatDoNotHoldAreNamedAtOnce) {
  const Ended ended =
      sandbox.run({"--service-mode", "production", "--audit-log", "none", "--", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("rootfs:"), HasSubstr("rootfs-trusted:"), HasSubstr("memory-limit:"),
                    HasSubstr("cpu-limit:"), HasSubstr("audit-log:")));
}

TEST_P(Production, APreviewListsThemAll) {
  const Ended ended =
      sandbox.run({"--service-mode", "production", "--audit-log", log, "--dry-run", "--", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, AllOf(testing::ContainsRegex("BROKEN +memory-limit"),
                               testing::ContainsRegex("holds +seccomp"),
                               testing::ContainsRegex("BROKEN +rootfs ")));
  EXPECT_FALSE(fs::exists(log));
  if (!limits_work(GetParam())) return;
  const Ended good = run({"--dry-run", "--json"}, "true");
  EXPECT_EQ(good.code, 0) << good.all();
  EXPECT_THAT(good.out, AllOf(HasSubstr("\"production\""), Not(HasSubstr("BROKEN"))));
}

TEST_P(Production, TheDigestOfTheRootfsHolds) {
  const Ended attested = sandbox.call({"attest", rootfs});
  ASSERT_EQ(attested.code, 0) << attested.all();
  const std::string digest = attested.out.substr(0, 64);
  const std::vector<std::string> words = {"--rootfs", rootfs, "--rootfs-sha256", digest, "--",
                                          "/bin/sh",  "-c",   "echo in"};
  EXPECT_EQ(sandbox.run(words).out, "in\n");
  for (const auto& change : std::vector<std::function<void()>>{
           [&] { ::chmod((rootfs + "/bin/sh").c_str(), 0711); },
           [&] { std::ofstream(rootfs + "/etc/new") << ""; },
           [&] { std::ofstream(rootfs + "/etc/new") << "more"; },
           [&] { fs::create_symlink("sh", rootfs + "/bin/link"); }}) {
    const std::string before = sandbox.call({"attest", rootfs}).out;
    change();
    EXPECT_NE(sandbox.call({"attest", rootfs}).out, before);
    const Ended ended = sandbox.run(words);
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("--rootfs-sha256"));
  }
  EXPECT_EQ(sandbox.run({"--rootfs", rootfs, "--rootfs-sha256", "abc", "--", "/bin/sh"}).code, 2);
  EXPECT_EQ(sandbox.run({"--rootfs-sha256", digest, "--", "true"}).code, 2);
}

}  // namespace
}  // namespace nucleus::test
