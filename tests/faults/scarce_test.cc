// Too little of something: descriptors, processes, room on the disk, places to write to, /proc. It
// works, or it says what is missing, and leaves nothing.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "faults/leftovers.h"
#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

class Scarce : public ForEverybody {
 protected:
  void SetUp() override {
    for (const char* name : {"context", "data", "state-root", "run"}) sandbox.make_directory(name);
    sandbox.write("context/file", "text");
  }

  // What only root can prepare for an ordinary user.
  static bool needs_root() { return ::geteuid() == 0; }

  // In the child that becomes nucleus: mounts of its own, gone with it.
  static void own_mounts() {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
      ::_exit(95);
  }

  void tmpfs_on(const std::string& path, const std::string& options, unsigned long flags) {
    struct stat owner{};
    ASSERT_EQ(::stat(sandbox.home().c_str(), &owner), 0);
    const std::string text = options + ",mode=700,uid=" + std::to_string(owner.st_uid) +
                             ",gid=" + std::to_string(owner.st_gid);
    sandbox.prepare = [path, text, flags] {
      own_mounts();
      if (::mount("tmpfs", path.c_str(), "tmpfs", flags, text.c_str()) != 0) ::_exit(94);
    };
  }

  void expect_refused(const Ended& ended, const Leftovers& before, const char* why) {
    EXPECT_EQ(ended.code, 125) << ended.all();
    EXPECT_THAT(ended.err, AllOf(testing::StartsWith("nucleus: cannot "), ContainsRegex(why)))
        << ended.all();
    EXPECT_EQ(before.found(), "");
  }
};
INSTANTIATE_TEST_SUITE_P(As, Scarce, testing::ValuesIn(everybody()), name_of);

TEST_P(Scarce, DescriptorsOneByOne) {
  const std::vector<std::vector<std::string>> kinds = {
      {},
      {"--json", "--context", sandbox.home() + "/context", "-v", sandbox.home() + "/data:/data"},
      {"-t"},
      {"--no-init"}};
  for (const std::vector<std::string>& flags : kinds) {
    bool enough = false;
    for (unsigned most = 4; most <= 40; ++most) {
      sandbox.prepare = [who = GetParam(), most] {
        become(who);  // which itself reads files
        const rlimit limit{.rlim_cur = most, .rlim_max = most};
        ::setrlimit(RLIMIT_NOFILE, &limit);
      };
      const Leftovers before(sandbox);
      const Ended ended = sandbox.sh("echo done", flags);
      if (ended.code == 0) {
        EXPECT_THAT(ended.out, HasSubstr("done")) << most << "\n" << ended.all();
        EXPECT_EQ(before.found(), "") << most;
        enough = true;
        continue;
      }
      EXPECT_FALSE(enough) << most << " descriptors are not enough, but fewer were\n"
                           << ended.all();
      SCOPED_TRACE(most);
      expect_refused(ended, before, "EMFILE|open files");
    }
    EXPECT_TRUE(enough) << testing::PrintToString(flags);
  }
}

TEST_P(Scarce, ProcessesOneByOne) {
  if (sandbox.is_root()) return;  // the limit does not hold for root
  bool enough = false;
  for (unsigned most = 0; most <= 24 && !enough; ++most) {
    sandbox.prepare = [most] {
      become(Who::user);
      const rlimit limit{.rlim_cur = most, .rlim_max = most};
      ::setrlimit(RLIMIT_NPROC, &limit);
    };
    const Leftovers before(sandbox);
    const Ended ended =
        sandbox.run({"--context", sandbox.home() + "/context", "--", "/bin/echo", "done"});
    if (ended.code == 0) {
      EXPECT_EQ(ended.out, "done\n");
      enough = true;
    } else {
      SCOPED_TRACE(most);
      expect_refused(ended, before, "EAGAIN.*limit of processes|EAGAIN.*--pids|EAGAIN.*ulimit -u");
    }
  }
  EXPECT_TRUE(enough);
}

TEST_P(Scarce, AStateDirectoryThatIsFull) {
  if (!needs_root()) GTEST_SKIP() << "only root mounts a small file system for the test";
  bool enough = false;
  for (unsigned inodes = 1; inodes <= 8; ++inodes) {
    tmpfs_on(sandbox.state(), "size=4k,nr_inodes=" + std::to_string(inodes), 0);
    const Leftovers before(sandbox);
    const Ended ended = sandbox.run({"--name", "one", "--", "true"});
    if (ended.code == 0) {
      enough = true;
      continue;
    }
    SCOPED_TRACE(inodes);
    EXPECT_FALSE(enough);
    expect_refused(ended, before, "ENOSPC");
    EXPECT_THAT(ended.err, HasSubstr(sandbox.state())) << ended.all();
  }
  EXPECT_TRUE(enough);
}

TEST_P(Scarce, NoRoomForTheRecordOfACgroup) {
  if (!needs_root() || !limits_work(GetParam()))
    GTEST_SKIP() << "needs a small file system and cgroups: root's";
  const std::string filler = sandbox.state() + "/filler";
  tmpfs_on(sandbox.state(), "size=4k", 0);
  sandbox.prepare = [before = sandbox.prepare, filler] {
    before();
    const int fd = ::open(filler.c_str(), O_WRONLY | O_CREAT, 0600);
    static const char kBlock[4096] = {};
    if (::write(fd, kBlock, sizeof kBlock) != sizeof kBlock) ::_exit(93);
    ::close(fd);
  };
  const Leftovers before(sandbox);
  expect_refused(sandbox.run({"--memory", "64M", "--", "true"}), before, "state/.*ENOSPC");
}

TEST_P(Scarce, NoRoomForWhatIsReported) {
  const Leftovers before(sandbox);
  Ended ended = sandbox.run({"--result-file", "/dev/full", "--", "echo", "done"});
  EXPECT_EQ(ended.out, "done\n");
  expect_refused(ended, before, "/dev/full.*ENOSPC");
  sandbox.prepare = [] { ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), 1); };
  expect_refused(sandbox.run({"--json", "--", "true"}), before, "standard output.*ENOSPC");
  expect_refused(sandbox.call({"run", "--help"}), before, "standard output.*ENOSPC");
  expect_refused(sandbox.run({"-t", "--", "echo", "lost"}), before, "standard output.*ENOSPC");
}

TEST_P(Scarce, NoRoomForIdAndPid) {
  if (!needs_root()) GTEST_SKIP() << "only root mounts a small file system for the test";
  const std::string place = sandbox.home() + "/data";
  for (const char* flag : {"--cidfile", "--pid-file"}) {
    tmpfs_on(place, "size=4k", 0);
    sandbox.prepare = [before = sandbox.prepare, filler = place + "/filler"] {
      before();
      const int fd = ::open(filler.c_str(), O_WRONLY | O_CREAT, 0600);
      static const char kBlock[4096] = {};
      if (::write(fd, kBlock, sizeof kBlock) != sizeof kBlock) ::_exit(93);
      ::close(fd);
    };
    const Leftovers before(sandbox);
    const Ended ended = sandbox.run({flag, place + "/file", "--", "sleep", "1000"});
    expect_refused(ended, before, "data/file.*ENOSPC");
  }
}

TEST_P(Scarce, AReadOnlyRun) {
  if (!needs_root()) GTEST_SKIP() << "only root mounts a read-only file system for the test";
  sandbox.env["NUCLEUS_STATE_DIR"] = "";
  const std::string place = sandbox.is_root() ? "/run" : sandbox.home() + "/run";
  sandbox.env["XDG_RUNTIME_DIR"] = place;
  tmpfs_on(place, "size=4k", MS_RDONLY);
  const Leftovers before(sandbox);
  const Ended ended = sandbox.run({"true"});
  expect_refused(ended, before, "/run/nucleus.*EROFS.*--root DIR");
  EXPECT_EQ(sandbox.run({"--root", sandbox.state(), "--", "true"}).code, 0);
}

TEST_P(Scarce, NoProc) {
  if (!needs_root()) GTEST_SKIP() << "only root takes /proc away for the test";
  sandbox.prepare = [] {
    own_mounts();
    if (::umount2("/proc", MNT_DETACH) != 0) ::_exit(94);
  };
  const Leftovers before(sandbox);
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, {"--json"}, {"-v", sandbox.home() + "/data:/data"}}) {
    Ended ended = sandbox.sh("true", flags);
    // newuidmap(1) has its say first.
    ended.err.erase(0, std::min(ended.err.find("nucleus: "), ended.err.size()));
    expect_refused(ended, before, "/proc.*mount|mount.*/proc");
  }
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
}

}  // namespace
}  // namespace nucleus::test
