// Root file systems that somebody made to do harm: links, FIFOs and huge files where nucleus puts
// something or looks something up.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class HostileRootfs : public ForEverybody {
 protected:
  void SetUp() override {
    for (const char* name : {"r", "r/bin", "r/etc", "data"}) sandbox.make_directory(name);
    fs::copy_file("/bin/busybox", in("r/bin/sh"));
    sandbox.own(in("r/bin/sh"));
    sandbox.write("data/file", "of the volume\n");
    sandbox.write("canary", "of the host\n");
  }
  std::string in(const std::string& name) const { return sandbox.home() + "/" + name; }
  void link(const std::string& text, const std::string& name) const {
    fs::create_symlink(text, in("r/" + name));
    sandbox.own(in("r/" + name));
  }
  void fifo(const std::string& name) const {
    ASSERT_EQ(::mkfifo(in("r/" + name).c_str(), 0666), 0);
    sandbox.own(in("r/" + name));
  }
  Ended sh(const std::string& script, std::vector<std::string> flags = {}) const {
    flags.insert(flags.end(), {"--rootfs", in("r"), "--", "/bin/sh", "-c", script});
    return sandbox.run(std::move(flags));
  }
  void expect_refused(const std::vector<std::string>& flags, const std::string& why) const {
    const Ended ended = sh("echo ran", flags);
    EXPECT_EQ(ended.code, 125) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr(why));
    EXPECT_EQ(ended.out, "");
  }
};
INSTANTIATE_TEST_SUITE_P(As, HostileRootfs, testing::ValuesIn(everybody()), name_of);

// What covers parts of /proc is found by its path: a link could lead it past.
TEST_P(HostileRootfs, TheKernelsPlacesAreNoLinksAndNoFiles) {
  for (const char* place : {"proc", "sys", "dev"}) {
    for (const char* target : {".", "etc", "dev/..", "/", "../../../proc", "nowhere"}) {
      link(target, place);
      expect_refused({}, "/proc, /sys and /dev of a rootfs must be directories");
      fs::remove(in(std::string("r/") + place));
    }
    sandbox.write(std::string("r/") + place, "a file");
    expect_refused({}, "/proc, /sys and /dev of a rootfs must be directories");
    fs::remove(in(std::string("r/") + place));
    fifo(place);
    expect_refused({}, "/proc, /sys and /dev of a rootfs must be directories");
    fs::remove(in(std::string("r/") + place));
  }
  EXPECT_EQ(sh("echo fine").out, "fine\n");
}

TEST_P(HostileRootfs, FilesOfNucleusReplaceWhateverIsThere) {
  link("../run/systemd/resolve/stub-resolv.conf",
       "etc/resolv.conf");  // Debian's and Ubuntu's habit
  fifo("etc/hostname");
  link(in("canary"), "etc/hosts");
  Ended ended = sh(
      "read -r name < /etc/hostname; echo $name; while read -r l; do echo $l; done < /etc/hosts");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("nucleus\n"), HasSubstr("127.0.0.1"))) << ended.all();
  EXPECT_EQ(ended.code, 0);
  // The rootfs itself, and what its links named, is as it was.
  EXPECT_TRUE(fs::is_fifo(in("r/etc/hostname")));
  EXPECT_TRUE(fs::is_symlink(in("r/etc/resolv.conf")));
  std::ifstream stream(in("canary"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "of the host\n");
  fs::remove(in("r/etc/hosts"));
  sandbox.write("r/etc/hosts", "huge");
  fs::resize_file(in("r/etc/hosts"), std::uintmax_t{1} << 36);
  ended = sh("read -r line < /etc/hosts; echo $line");
  EXPECT_EQ(ended.out, "127.0.0.1 localhost\n") << ended.all();
}

TEST_P(HostileRootfs, AnEtcThatLeadsOutIsRefused) {
  fs::remove(in("r/etc"));
  link("/etc", "etc");  // inside: a circle
  expect_refused({}, "/etc");
  fs::remove(in("r/etc"));
  link("../../../../../../etc", "etc");
  expect_refused({}, "/etc");
  fs::remove(in("r/etc"));
  link("/elsewhere", "etc");
  sandbox.make_directory("r/elsewhere");
  EXPECT_EQ(sh("read -r name < /elsewhere/hostname; echo $name").out, "nucleus\n");
}

TEST_P(HostileRootfs, AccountsThatAreNoFileNameNobody) {
  const auto names_nobody = [&](const std::string& user) {
    const Ended ended = sh("echo ran", {"--user", user});
    EXPECT_EQ(ended.code, 2) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr("no user of this name"));
    fs::remove(in("r/etc/passwd"));
  };
  fifo("etc/passwd");
  names_nobody("app");
  link("passwd", "etc/passwd");
  names_nobody("app");
  // The host's own file has this name, and the link does not lead there.
  link("../../../../../../../etc/passwd", "etc/passwd");
  names_nobody("nucleus-test");
  sandbox.make_directory("r/etc/passwd");
  names_nobody("app");
  sandbox.write("r/etc/passwd", "app:x:7:7::/:/bin/sh\n");
  fs::resize_file(in("r/etc/passwd"), std::uintmax_t{1} << 36);
  names_nobody("app");
  if (sandbox.is_root()) {
    ASSERT_EQ(::mknod(in("r/etc/passwd").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
    names_nobody("app");
  }
}

TEST_P(HostileRootfs, MountsStayInTheRootAndNeverCoverAllOfIt) {
  const std::vector<std::string> volume = {"-v", in("data") + ":/place"};
  for (const char* target : {"/", ".", "bin/..", "../../../.."}) {
    link(target, "place");
    expect_refused(volume, "lead this place to the root itself");
    expect_refused({"--tmpfs", "/place"}, "lead this place to the root itself");
    fs::remove(in("r/place"));
  }
  link("/", "context");
  expect_refused({"--context", in("data")}, "lead this place to the root itself");
  fs::remove(in("r/context"));
  link("place", "place");
  expect_refused(volume, "ELOOP");
  fs::remove(in("r/place"));
  link("/proc/self/root", "place");
  expect_refused({"-v", in("data") + ":/place/x"}, "ELOOP");
  fs::remove(in("r/place"));
  link("../nowhere/at/all", "place");
  expect_refused(volume, "leads nowhere");
  fs::remove(in("r/place"));
  fifo("place");
  expect_refused(volume, "is a directory and the other is not");
  expect_refused({"--tmpfs", "/place"}, "no directory");
  fs::remove(in("r/place"));
  // A link that stays inside is followed there.
  link("../../../../bin/below", "place");
  sandbox.make_directory("r/bin/below");
  EXPECT_EQ(sh("read -r line < /bin/below/file; echo $line", volume).out, "of the volume\n");
}

TEST_P(HostileRootfs, AProgramThatIsAFifoIsNotWaitedFor) {
  fifo("bin/pipe");
  sandbox.write("r/bin/script", "#!/bin/pipe\n", 0755);
  ASSERT_EQ(::chmod(in("r/bin/pipe").c_str(), 0777), 0);
  for (const char* program : {"/bin/pipe", "/bin/script"}) {
    const Ended ended = sandbox.run({"--rootfs", in("r"), "--", program});
    EXPECT_EQ(ended.code, 126) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr("EACCES"));
  }
}

}  // namespace
}  // namespace nucleus::test
