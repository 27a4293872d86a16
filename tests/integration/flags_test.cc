// Bad input: each is refused with one clear message that names flag, value, reason and cure, and
// nothing is made.
#include <filesystem>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

struct Bad {
  std::vector<std::string> words;
  int code;
  std::string says;
};

NUCLEUS_SUITE(BadFlags);

TEST_P(BadFlags, AreRefusedByName) {
  const std::string home = sandbox.home();
  sandbox.write("file", "x");
  sandbox.make_directory("dir");
  std::filesystem::create_directory_symlink(home + "/dir", home + "/link");
  const std::vector<Bad> all = {
      {{"--memory", "lots", "true"}, 2, "--memory 'lots'"},
      {{"--memory", "-1", "true"}, 2, "--memory"},
      {{"--memory", "9999999999T", "true"}, 2, "--memory"},
      {{"--memory", "4K", "true"}, 2, "--memory '4K'"},
      {{"--memory-swap", "1G", "true"}, 2, "--memory-swap"},
      {{"--memory", "1G", "--memory-swap", "1M", "true"}, 2, "--memory-swap '1M'"},
      {{"--cpus", "0", "true"}, 2, "--cpus '0'"},
      {{"--cpus", "two", "true"}, 2, "--cpus 'two'"},
      {{"--cpu-weight", "0", "true"}, 2, "--cpu-weight '0'"},
      {{"--cpu-weight", "10001", "true"}, 2, "--cpu-weight '10001'"},
      {{"--cpuset-cpus", "a", "true"}, 2, "--cpuset-cpus 'a'"},
      {{"--pids", "0", "true"}, 2, "--pids '0'"},
      {{"--pids", "1e3", "true"}, 2, "--pids '1e3'"},
      {{"--timeout", "soon", "true"}, 2, "--timeout 'soon'"},
      {{"--timeout", "0", "true"}, 2, "--timeout '0'"},
      {{"--network", "bridge9", "true"}, 2, "--network 'bridge9'"},
      {{"--network", "host", "true"}, 2, "--allow-host-network"},
      {{"--allow-host-network", "true"}, 2, "--network host"},
      {{"--userns", "maybe", "true"}, 2, "--userns 'maybe'"},
      {{"--name", "-x", "true"}, 2, "--name"},
      {{"--name", "a/b", "true"}, 2, "--name 'a/b'"},
      {{"--hostname", "a b", "true"}, 2, "--hostname 'a b'"},
      {{"-w", "relative", "true"}, 2, "--workdir 'relative'"},
      {{"-w", "/a/../b", "true"}, 2, "--workdir '/a/../b'"},
      {{"-e", "=x", "true"}, 2, "--env '=x'"},
      {{"--user", "nosuch", "true"}, 2, "--user 'nosuch'"},
      {{"--user", "1:2", "--group", "3", "true"}, 2, "--group"},
      {{"--user", "4000000000", "true"}, 2, "--user"},
      {{"-v", "/usr", "true"}, 2, "--volume '/usr'"},
      {{"-v", "/usr:relative", "true"}, 2, "--volume '/usr:relative'"},
      {{"-v", "/usr:/x:rx", "true"}, 2, "--volume '/usr:/x:rx'"},
      {{"-v", "/usr:/proc", "true"}, 2, "/proc"},
      {{"-v", "/usr:/", "true"}, 2, "--volume '/usr:/'"},
      {{"-v", "/usr:/a", "-v", "/etc:/a", "true"}, 2, "already the target"},
      {{"-v", home + "/none:/a", "true"}, 125, home + "/none"},
      {{"--tmpfs", "rel", "true"}, 2, "--tmpfs 'rel'"},
      {{"--tmpfs", "/t:size=0", "true"}, 2, "size=0"},
      {{"--tmpfs", "/t:mode=999", "true"}, 2, "mode="},
      {{"--context", home + "/none", "true"}, 125, "--context"},
      {{"--context", home + "/file", "true"}, 125, "--context"},
      {{"--context", home + "/link", "true"}, 125, "symbolic link"},
      {{"--context", home + "/link/", "true"}, 125, "symbolic link"},
      {{"--context-mode", "bind", "true"}, 2, "--context DIR"},
      {{"--context", home, "--context-mode", "move", "true"}, 2, "--context-mode 'move'"},
      {{"--rootfs", home + "/none", "true"}, 125, "--rootfs"},
      {{"--rootfs", home + "/link", "true"}, 125, "symbolic link"},
      {{"--init", "--no-init", "true"}, 2, "--no-init"},
      {{"--root", "relative", "true"}, 2, "--root 'relative'"},
      {{"--nonsense", "true"}, 2, "--nonsense"},
      {{"--memory"}, 2, "--memory"},
      {{}, 2, "COMMAND"},
  };
  for (const Bad& bad : all) {
    const Ended ended = sandbox.run(bad.words);
    EXPECT_EQ(ended.code, bad.code) << testing::PrintToString(bad.words) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(bad.says)) << testing::PrintToString(bad.words);
    EXPECT_THAT(ended.err, testing::StartsWith("nucleus: cannot "));
    EXPECT_EQ(ended.out, "");
    EXPECT_TRUE(sandbox.recorded().empty());
  }
  EXPECT_TRUE(running_inits().empty());
}

TEST_P(BadFlags, EveryMistakeIsReportedAtOnce) {
  const Ended ended = sandbox.run({"--memory", "x", "--pids", "y", "--timeout", "z", "true"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err,
              testing::AllOf(HasSubstr("--memory"), HasSubstr("--pids"), HasSubstr("--timeout")));
}

TEST_P(BadFlags, ANameWithEscapesCannotWriteOnTheTerminal) {
  const Ended ended = sandbox.run({"--memory", "\x1b[2J", "true"});
  EXPECT_THAT(ended.err, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(ended.err, HasSubstr("\\x1b[2J"));
}

TEST_P(BadFlags, ALimitThatCannotBeSetIsRefused) {
  if (limits_work(GetParam())) {
    // Everything can be set here; a value that the kernel refuses must still be named.
    const Ended ended = sandbox.run({"--cpuset-cpus", "4000", "--", "true"});
    EXPECT_EQ(ended.code, 125) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr("--cpuset-cpus"));
    EXPECT_TRUE(container_cgroups().empty());
    return;
  }
  for (const auto& flags : std::vector<std::vector<std::string>>{{"--memory", "64M"},
                                                                 {"--cpus", "1"},
                                                                 {"--pids", "64"},
                                                                 {"--cpu-weight", "10"},
                                                                 {"--cpuset-cpus", "0"}}) {
    const Ended ended = sandbox.run({flags[0], flags[1], "--", "true"});
    EXPECT_EQ(ended.code, 125);
    EXPECT_THAT(ended.err, testing::AllOf(HasSubstr(flags[0]), HasSubstr("delegated")));
  }
}

TEST_P(BadFlags, TheHostsIdsAreForRootOnly) {
  const Ended ended = sandbox.run({"--userns", "host", "--", "true"});
  if (sandbox.is_root()) {
    EXPECT_EQ(ended.code, 0) << ended.all();
  } else {
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("--userns"));
  }
}

}  // namespace
}  // namespace nucleus::test
