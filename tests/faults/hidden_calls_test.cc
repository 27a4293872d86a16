// Kernels and containers without some system calls: what nucleus does instead, or how it refuses.
// docs/kernels.md has the same as a table. The integration programs run under "older" too.
#include "faults/hidden_calls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "faults/leftovers.h"
#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Hidden : public ForEverybody {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user's filter takes newuidmap(1) its rights";
    for (const char* name : {"context", "data", "root", "root/etc", "state-root"})
      sandbox.make_directory(name);
    sandbox.write("context/file", "text");
    fs::copy_file(guest("layers_probe"), sandbox.home() + "/root/probe");
    // A link that would lead out of the root, were it followed by the ordinary lookup.
    fs::create_symlink("/etc", sandbox.home() + "/root/link");
  }

  void hide(const char* group) {
    sandbox.prepare = [group] {
      if (!hide_calls(group)) ::_exit(96);
    };
  }

  Ended probe(std::vector<std::string> flags) const {
    const auto link = [](const char* name) {
      return fs::read_symlink(std::string("/proc/self/ns/") + name).string();
    };
    const std::vector<std::string> command = {
        "--", "/probe", "/etc/machine-id-of-the-host", link("pid"), link("mnt"), link("net")};
    flags.insert(flags.end(), command.begin(), command.end());
    return sandbox.run(flags);
  }

  // Every layer is there, in both kinds of root; signals, limits and the end of time arrive.
  void expect_everything_works() {
    const std::string volume = guest("layers_probe") + ":/probe";
    std::vector<std::string> flags = {"--context", sandbox.home() + "/context",      "-v", volume,
                                      "-v",        sandbox.home() + "/data:/data:rw"};
    if (limits_work(GetParam())) flags.insert(flags.end(), {"--memory", "64M"});
    Ended ended = probe(flags);
    EXPECT_EQ(ended.out, "layers: ok\n") << ended.all();
    EXPECT_EQ(ended.code, 0);
    ended = probe({"--no-init", "--rootfs", sandbox.home() + "/root", "--tmpfs", "/link/there"});
    EXPECT_EQ(ended.out, "layers: ok\n") << ended.all();
    EXPECT_TRUE(fs::is_empty(sandbox.home() + "/root/etc")) << "the rootfs was changed";
    EXPECT_FALSE(fs::exists("/etc/there")) << "a link of the rootfs was followed outside";
    EXPECT_EQ(sandbox.run({"--timeout", "1", "--", "sleep", "1000"}).code, 137);
    for (const char* init : {"--init", "--no-init"}) {
      std::vector<std::string> words = {"run", "--", "sh", "-c", "echo up; exec sleep 1000"};
      if (std::string_view(init) == "--no-init") words.insert(words.begin() + 1, init);
      Running running = sandbox.start(words);
      EXPECT_TRUE(running.wait_for("up"));
      running.send(SIGTERM);
      EXPECT_EQ(running.wait().code, 143) << init;
    }
    EXPECT_EQ(sandbox.run({"no-such-program"}).code, 127);
  }

  void expect_refused(const std::string& words) {
    const Leftovers before(sandbox);
    for (const std::vector<std::string>& flags :
         {std::vector<std::string>{}, {"--rootfs", sandbox.home() + "/root"}}) {
      const Ended ended = probe(flags);
      EXPECT_EQ(ended.code, 125) << ended.all();
      EXPECT_EQ(ended.out, "");
      EXPECT_THAT(ended.err, testing::AllOf(testing::StartsWith("nucleus: cannot "),
                                            HasSubstr("ENOSYS"), HasSubstr(words)));
      EXPECT_EQ(before.found(), "");
    }
    EXPECT_EQ(sandbox.call({"--version"}).code, 0);
    EXPECT_EQ(sandbox.call({"prune"}).code, 0);
    EXPECT_EQ(sandbox.run({"--memory", "lots", "--", "true"}).code, 2);
  }
};
INSTANTIATE_TEST_SUITE_P(As, Hidden, testing::ValuesIn(everybody()), name_of);

TEST_P(Hidden, Openat2IsWalked) {
  hide("openat2");
  expect_everything_works();
}

TEST_P(Hidden, Clone3IsClone) {
  hide("clone3");
  expect_everything_works();
}

TEST_P(Hidden, PidfdsAreNumbersOfOurChildren) {
  hide("pidfd");
  expect_everything_works();
}

TEST_P(Hidden, CloseRangeIsAListing) {
  hide("close_range");
  expect_everything_works();
}

TEST_P(Hidden, AllOfThemAtOnce) {
  hide("older");
  expect_everything_works();
}

TEST_P(Hidden, WithoutLandlockIsARefusal) {
  hide("landlock");
  expect_refused("landlock in its lsm= list");
}

TEST_P(Hidden, WithoutTheMountCallsIsARefusal) {
  hide("mounts");
  expect_refused("Linux 5.15 or newer");
}

TEST_P(Hidden, WithoutMountSetattrIsARefusal) {
  hide("mount_setattr");
  expect_refused("Linux 5.15 or newer");
}

// The tests above would pass if nothing were hidden.
TEST(HiddenCalls, AreHidden) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root installs a filter without no_new_privs";
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!hide_calls("older")) ::_exit(1);
    ::_exit(::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0) < 0 && errno == ENOSYS ? 0 : 2);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(hide_calls("nonsense"));
}

}  // namespace
}  // namespace nucleus::test
