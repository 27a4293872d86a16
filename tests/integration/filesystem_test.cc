// The root that a workload sees: contexts, volumes, tmpfs, rootfs.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Filesystem : public ForEverybody {
 protected:
  std::string in(const std::string& name) const { return sandbox.home() + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream stream(in(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};
INSTANTIATE_TEST_SUITE_P(As, Filesystem, testing::ValuesIn(everybody()), name_of);

TEST_P(Filesystem, DevIsComplete) {
  const Ended ended = sandbox.sh(
      "for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo no $d; done;"
      "for l in ptmx fd stdin stdout stderr; do [ -L /dev/$l ] || echo no $l; done;"
      "head -c 4 /dev/urandom | wc -c; echo x > /dev/null; echo y > /dev/shm/y; cat /dev/shm/y;"
      "echo z > /dev/full 2>/dev/null || echo full; (echo w > /dev/new) 2>/dev/null || echo sealed;"
      "script -qec 'tty' /dev/null | tr -d '\\r'");
  EXPECT_EQ(ended.out, "4\ny\nfull\nsealed\n/dev/pts/0\n") << ended.all();
}

TEST_P(Filesystem, TheRootIsReadOnlyAndTheScratchPlacesAreNot) {
  const Ended ended = sandbox.sh(
      "for d in / /usr /etc /var /run /dev /proc /sys; do (echo > $d/x) 2>/dev/null && echo wrote "
      "$d; done;"
      "for d in /tmp $HOME /dev/shm /var/tmp; do echo 1 > $d/x || echo no $d; done; echo done");
  EXPECT_EQ(ended.out, "done\n") << ended.all();
}

TEST_P(Filesystem, AContextIsCopiedAndTheHostsStaysAsItWas) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/file", "from the host\n");
  sandbox.write("ctx/tool", "#!/bin/sh\necho ran\n", 0755);
  fs::create_symlink("file", in("ctx/link"));
  sandbox.make_directory("ctx/sub");
  sandbox.write("ctx/sub/name with\nnewline", "n");
  const Ended ended = sandbox.sh(
      "pwd; cat file link; ./tool; echo changed > file; rm tool; ls sub | wc -l; stat -c %u:%g "
      "file",
      {"--context", in("ctx")});
  EXPECT_EQ(ended.out, "/context\nfrom the host\nfrom the host\nran\n2\n0:0\n") << ended.all();
  EXPECT_EQ(read("ctx/file"), "from the host\n");
  EXPECT_TRUE(fs::exists(in("ctx/tool")));
}

TEST_P(Filesystem, ACopyBelongsToTheUserInside) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/file", "x", 0600);
  const Ended ended =
      sandbox.sh("cat file; echo; stat -c %u:%g file . ; echo more >> file && echo mine",
                 {"--context", in("ctx"), "--user", "1000:1000"});
  EXPECT_EQ(ended.out, "x\n1000:1000\n1000:1000\nmine\n") << ended.all();
}

TEST_P(Filesystem, SecretsStayOutOfACopyAndAreNamed) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/.env", "TOKEN=1");
  sandbox.write("ctx/key.pem", "k");
  sandbox.write("ctx/code.py", "c");
  Ended ended = sandbox.sh("ls -A", {"--context", in("ctx")});
  EXPECT_EQ(ended.out, "code.py\n");
  EXPECT_THAT(ended.err, testing::AllOf(HasSubstr(".env"), HasSubstr("key.pem"),
                                        HasSubstr("--context-include")));
  ended = sandbox.sh(
      "ls -A", {"--context", in("ctx"), "--context-include", ".env", "--context-include", "*.pem"});
  EXPECT_EQ(ended.out, ".env\ncode.py\nkey.pem\n");
  EXPECT_EQ(ended.err, "");
}

TEST_P(Filesystem, SpecialFilesOfAContextAreLeftOutAndNamed) {
  sandbox.make_directory("ctx");
  ASSERT_EQ(::mkfifo(in("ctx/pipe").c_str(), 0666), 0);
  sandbox.write("ctx/suid", "x", 04755);
  const Ended ended = sandbox.sh("ls; stat -c %a suid", {"--context", in("ctx")});
  EXPECT_EQ(ended.out, "suid\n755\n") << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("pipe"));
}

TEST_P(Filesystem, ABoundContextIsTheDirectoryItselfReadOnly) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/file", "seen\n");
  const Ended ended = sandbox.sh("cat file; (echo > file) 2>/dev/null || echo refused",
                                 {"--context", in("ctx"), "--context-mode", "bind"});
  EXPECT_EQ(ended.out, "seen\nrefused\n") << ended.all();
}

TEST_P(Filesystem, VolumesAreReadOnlyUnlessSaidOtherwise) {
  sandbox.make_directory("data");
  sandbox.write("data/file", "seen\n");
  Ended ended = sandbox.sh("cat /d/file; (echo > /d/new) 2>/dev/null || echo refused",
                           {"-v", in("data") + ":/d"});
  EXPECT_EQ(ended.out, "seen\nrefused\n") << ended.all();
  ended = sandbox.sh("echo written > /d/new; stat -c %u:%g /d/new /d/file",
                     {"-v", in("data") + ":/d:rw"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "0:0\n0:0\n") << ended.all();
  EXPECT_EQ(read("data/new"), "written\n");
  // What the container made belongs on the host to the one who ran it.
  struct stat made{}, given{};
  ASSERT_EQ(::stat(in("data/new").c_str(), &made), 0);
  ASSERT_EQ(::stat(in("data/file").c_str(), &given), 0);
  EXPECT_EQ(made.st_uid, given.st_uid);
}

TEST_P(Filesystem, AFileIsAVolumeTooAndALinkIsFollowed) {
  sandbox.write("file", "text\n");
  fs::create_symlink(in("file"), in("link"));
  const Ended ended =
      sandbox.sh("cat /a /deep/er/b", {"-v", in("file") + ":/a", "-v", in("link") + ":/deep/er/b"});
  EXPECT_EQ(ended.out, "text\ntext\n") << ended.all();
}

TEST_P(Filesystem, ASubmountOfAReadOnlyVolumeIsReadOnly) {
  const Ended ended =
      sandbox.sh("(echo > /v/shm/x) 2>/dev/null || (echo > /v/x) 2>/dev/null || echo refused",
                 {"--mount", "source=/dev,target=/v,idmap=no"});
  EXPECT_EQ(ended.out, "refused\n") << ended.all();
  EXPECT_FALSE(fs::exists("/dev/shm/x"));
}

TEST_P(Filesystem, ATmpfsHasItsSizeAndRunsNothing) {
  const Ended ended = sandbox.sh(
      "head -c 2M /dev/zero > /t/f 2>/dev/null || echo full; cp /bin/true /u/true && (/u/true "
      "2>/dev/null || echo noexec);"
      "cp /bin/true /x/true && /x/true && echo exec; stat -c %a /m",
      {"--tmpfs", "/t:size=1M", "--tmpfs", "/u", "--tmpfs", "/x:exec", "--tmpfs", "/m:mode=711"});
  EXPECT_EQ(ended.out, "full\nnoexec\nexec\n711\n") << ended.all();
}

TEST_P(Filesystem, ARootfsIsWritableAndDroppedAtTheEnd) {
  sandbox.make_directory("rootfs");
  sandbox.make_directory("rootfs/bin");
  fs::copy_file("/bin/busybox", in("rootfs/bin/busybox"));
  sandbox.own(in("rootfs/bin/busybox"));
  fs::create_symlink("busybox", in("rootfs/bin/sh"));
  sandbox.write("rootfs/marker", "image\n");
  const Ended ended =
      sandbox.run({"--rootfs", in("rootfs"), "--", "/bin/sh", "-c",
                   "cat /marker; echo new > /marker && cat /marker; busybox mkdir /made && echo ok;"
                   "[ -c /dev/null ] && [ -d /proc/self ] && echo dev; busybox hostname; pwd"});
  EXPECT_EQ(ended.out, "image\nnew\nok\ndev\nnucleus\n/\n") << ended.all();
  EXPECT_EQ(read("rootfs/marker"), "image\n");
  EXPECT_FALSE(fs::exists(in("rootfs/made")));
}

TEST_P(Filesystem, AWorkingDirectoryIsMadeInARootfsToo) {
  sandbox.make_directory("rootfs");
  sandbox.make_directory("rootfs/bin");
  fs::copy_file("/bin/busybox", in("rootfs/bin/sh"));
  sandbox.own(in("rootfs/bin/sh"));
  const Ended ended =
      sandbox.run({"--rootfs", in("rootfs"), "-w", "/work/here", "--", "/bin/sh", "-c", "pwd"});
  EXPECT_EQ(ended.out, "/work/here\n") << ended.all();
  EXPECT_FALSE(fs::exists(in("rootfs/work")));
}

TEST_P(Filesystem, MountsLeaveNoTraceOnTheHost) {
  sandbox.make_directory("data");
  const auto mounts = [] {
    std::ifstream stream("/proc/self/mountinfo");
    return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
  };
  const auto before = mounts();
  (void)sandbox.sh("true", {"-v", in("data") + ":/d:rw", "--context", in("data")});
  EXPECT_EQ(mounts(), before);
}

TEST_P(Filesystem, AContextIsVerifiedAndItsSumTold) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/file", "one\n");
  sandbox.write("ctx/.env", "TOKEN=1");
  const auto sum = [&](const std::string& mode) {
    const Ended ended = sandbox.run({"--json", "--context", in("ctx"), "--context-mode", mode,
                                     "--verify-context-integrity", "--user", "1000", "true"});
    EXPECT_EQ(ended.code, 0) << ended.all();
    return ended.code == 0 ? ended.json()["context_sha256"].get<std::string>() : "";
  };
  const std::string copied = sum("copy");
  EXPECT_EQ(copied.size(), 64U);
  EXPECT_EQ(sum("copy"), copied);
  EXPECT_NE(sum("bind"), copied) << "a bind shows the secrets as well";
  sandbox.write("ctx/file", "two\n");
  EXPECT_NE(sum("copy"), copied);
  EXPECT_TRUE(
      sandbox.run({"--json", "--context", in("ctx"), "true"}).json()["context_sha256"].is_null());
  EXPECT_EQ(sandbox.run({"--verify-context-integrity", "true"}).code, 2);
}

// A writer that never rests: sooner or later the copy is not the original any more.
TEST_P(Filesystem, AContextThatChangesMeanwhileRunsNothing) {
  sandbox.make_directory("ctx");
  for (int index = 0; index < 400; ++index)
    sandbox.write("ctx/f" + std::to_string(index), std::string(20'000, 'x'));
  std::atomic<bool> stop = false;
  std::jthread writer([&] {
    for (int round = 0; !stop; ++round)
      std::ofstream(in("ctx/f" + std::to_string(round % 400))) << round;
  });
  const bool seen = eventually([&] {
    const Ended ended =
        sandbox.run({"--context", in("ctx"), "--verify-context-integrity", "echo", "ran"});
    return ended.code == 125 && ended.out.empty() &&
           ended.err.find("has changed") != std::string::npos;
  });
  stop = true;
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace nucleus::test
