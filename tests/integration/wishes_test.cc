// The flags that give a container more than a command: files, secrets, groups, limits, settings.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

NUCLEUS_SUITE(Wishes);

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_P(Wishes, EnvFilesComeBeforeEnv) {
  sandbox.write("a.env", "# comment\nA=file\nB=file\nFROM_CALLER\n");
  sandbox.env["FROM_CALLER"] = "caller";
  const Ended ended = sandbox.sh("echo $A $B $FROM_CALLER",
                                 {"--env-file", sandbox.home() + "/a.env", "-e", "B=flag"});
  EXPECT_EQ(ended.out, "file flag caller\n") << ended.all();
  const Ended none = sandbox.run({"--env-file", sandbox.home() + "/none", "true"});
  EXPECT_EQ(none.code, 125);
  EXPECT_THAT(none.err, AllOf(HasSubstr("--env-file"), HasSubstr("/none")));
}

TEST_P(Wishes, ASecretIsForTheWorkloadAlone) {
  sandbox.write("key", "s3cret", 0600);
  const std::vector<std::string> flags = {"--secret", sandbox.home() + "/key:token"};
  const Ended ended = sandbox.sh(
      "cat /run/secrets/token; stat -c ' %a %u' /run/secrets/token; "
      "grep -c secrets /proc/self/mountinfo; { echo x > /run/secrets/token; } 2>/dev/null || echo "
      "kept",
      flags);
  EXPECT_EQ(ended.out, "s3cret 400 0\n1\nkept\n") << ended.all();
  EXPECT_THAT(sandbox
                  .sh("cat /run/secrets/token",
                      {"-v", sandbox.home() + ":/run/secrets", "--secret", sandbox.home() + "/key"})
                  .err,
              HasSubstr("already the target"));
  const Ended directory = sandbox.run({"--secret", sandbox.home() + ":x", "true"});
  EXPECT_EQ(directory.code, 125);
  EXPECT_THAT(directory.err, HasSubstr("give a file"));
}

TEST_P(Wishes, ASystemdCredentialIsASecret) {
  sandbox.write("password", "pw");
  sandbox.env["CREDENTIALS_DIRECTORY"] = sandbox.home();
  EXPECT_EQ(sandbox.sh("cat /run/secrets/password", {"--systemd-credential", "password"}).out,
            "pw");
  const Ended outside = sandbox.run({"--systemd-credential", "../password", "true"});
  EXPECT_EQ(outside.code, 2);
}

TEST_P(Wishes, MountsTakePathsWithColons) {
  sandbox.make_directory("a:b");
  sandbox.write("a:b/file", "found");
  const Ended ended =
      sandbox.sh("cat /m/file; touch /m/new 2>/dev/null || echo ' read-only'",
                 {"--mount", "type=bind,source=" + sandbox.home() + "/a:b,target=/m"});
  EXPECT_EQ(ended.out, "found read-only\n") << ended.all();
}

TEST_P(Wishes, LimitsOfAProcess) {
  EXPECT_EQ(sandbox.sh("ulimit -n; ulimit -Hn", {"--ulimit", "nofile=77:88"}).out, "77\n88\n");
  const Ended high = sandbox.run({"--ulimit", "nofile=999999999", "true"});
  EXPECT_EQ(high.code, 125);
  EXPECT_THAT(high.err, AllOf(HasSubstr("--ulimit"), HasSubstr("nofile")));
  EXPECT_THAT(sandbox.sh("df -k /dev/shm", {"--shm-size", "1M"}).out, HasSubstr(" 1024 "));
}

TEST_P(Wishes, SettingsOfItsOwnNamespaces) {
  const std::string before = content("/proc/sys/net/ipv4/ip_default_ttl");
  EXPECT_EQ(
      sandbox
          .sh("cat /proc/sys/net/ipv4/ip_default_ttl", {"--sysctl", "net.ipv4.ip_default_ttl=33"})
          .out,
      "33\n");
  EXPECT_EQ(content("/proc/sys/net/ipv4/ip_default_ttl"), before);
  const Ended missing = sandbox.run({"--sysctl", "net.no.such=1", "true"});
  EXPECT_EQ(missing.code, 125);
  EXPECT_THAT(missing.err, HasSubstr("--sysctl net/no/such"));
}

TEST_P(Wishes, AKeptCapabilityIsTheOnlyOne) {
  const Ended ended =
      sandbox.sh("grep -h '^Cap' /proc/self/status", {"--cap-add", "NET_BIND_SERVICE"});
  EXPECT_EQ(ended.out,
            "CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n"
            "CapBnd:\t0000000000000400\nCapAmb:\t0000000000000400\n")
      << ended.all();
  EXPECT_EQ(sandbox.run({"--json", "--cap-add", "KILL", "true"}).json()["layers"]["capabilities"],
            "20");
}

TEST_P(Wishes, NamesAndAddresses) {
  EXPECT_THAT(
      sandbox.sh("getent hosts db six", {"--add-host", "db:10.0.0.7", "--add-host", "six:fd00::7"})
          .out,
      AllOf(HasSubstr("10.0.0.7"), HasSubstr("fd00::7")));
}

TEST_P(Wishes, SupplementaryGroups) {
  const Ended ended = sandbox.sh("id -G", {"--additional-group", "7", "--additional-group", "9"});
  if (ended.code == 0) {
    EXPECT_EQ(ended.out, "0 7 9\n") << ended.all();
  } else {
    EXPECT_THAT(ended.err, HasSubstr("--additional-group"));
    EXPECT_FALSE(sandbox.is_root());
  }
}

TEST_P(Wishes, FilesAboutTheContainer) {
  const std::string id = sandbox.home() + "/cid";
  const std::string pid = sandbox.home() + "/pid";
  sandbox.make_directory("out");
  const Ended ended =
      sandbox.sh("while [ ! -s /h/pid ]; do sleep 0.05; done; cat /h/cid /h/pid; echo",
                 {"--cidfile", id, "--pid-file", pid, "--label", "a=b", "--label", "a=c", "--json",
                  "-v", sandbox.home() + ":/h"});
  const auto outcome = ended.json();
  EXPECT_EQ(outcome["labels"]["a"], "c");
  EXPECT_EQ(content(id), outcome["id"]);
  EXPECT_THAT(ended.out, HasSubstr(std::string(outcome["id"])));
  EXPECT_FALSE(std::filesystem::exists(pid));
  const Ended again = sandbox.run({"--cidfile", id, "true"});
  EXPECT_EQ(again.code, 125);
  EXPECT_THAT(again.err, HasSubstr("--cidfile"));
  const Ended failed = sandbox.run({"--cidfile", id + "2", "no-such-program"});
  EXPECT_EQ(failed.code, 127);
  EXPECT_FALSE(std::filesystem::exists(id + "2"));
}

TEST_P(Wishes, AReadOnlyRootfsWithUsersOfItsOwn) {
  sandbox.make_directory("rootfs");
  sandbox.make_directory("rootfs/bin");
  sandbox.make_directory("rootfs/etc");
  sandbox.write("rootfs/etc/passwd", "web:x:33:44::/srv:/bin/sh\n");
  sandbox.write("rootfs/etc/group", "staff:x:55:\n");
  std::filesystem::copy_file("/bin/busybox", sandbox.home() + "/rootfs/bin/busybox");
  const std::string root = sandbox.home() + "/rootfs";
  const Ended ended =
      sandbox.run({"--rootfs", root, "--user", "web:staff", "--read-only", "--", "/bin/busybox",
                   "sh", "-c", "id -u; id -g; echo $HOME; touch /x; touch /tmp/x && echo tmp"});
  if (ended.code == 0) {
    EXPECT_EQ(ended.out, "33\n55\n/srv\ntmp\n") << ended.all();
    EXPECT_THAT(ended.err, HasSubstr("Read-only"));
  } else {
    ADD_FAILURE() << ended.all();
  }
  const Ended stranger = sandbox.run({"--rootfs", root, "--user", "root2", "true"});
  EXPECT_EQ(stranger.code, 2);
  EXPECT_THAT(stranger.err, HasSubstr("/etc/passwd"));
}

TEST_P(Wishes, APasswdThatIsALinkToTheHostsNamesNobody) {
  sandbox.make_directory("rootfs");
  sandbox.make_directory("rootfs/etc");
  std::filesystem::create_symlink("/etc/passwd", sandbox.home() + "/rootfs/etc/passwd");
  const Ended ended =
      sandbox.run({"--rootfs", sandbox.home() + "/rootfs", "--user", "daemon", "true"});
  EXPECT_EQ(ended.code, 2) << ended.all();
}

TEST_P(Wishes, LimitsOfMemoryAndDisksTogether) {
  const std::vector<std::string> words = {"--memory", "64M", "--memory-reservation", "32M", "true"};
  const Ended ended = sandbox.run(words);
  EXPECT_EQ(ended.code, limits_work(GetParam()) ? 0 : 125) << ended.all();
  // Of a number that no driver has: some make a device when it is asked for.
  const Ended device = sandbox.run({"--io-limit", "511:77 rbps=1M", "true"});
  EXPECT_EQ(device.code, 125);
  EXPECT_THAT(device.err, HasSubstr("--io-limit"));
  EXPECT_TRUE(container_cgroups().empty());
}

TEST_P(Wishes, ClocksOfItsOwn) {
  if (::access("/proc/self/timens_offsets", F_OK) != 0)
    GTEST_SKIP() << "this kernel has no time namespaces";
  for (const char* init : {"--init", "--no-init"}) {
    const Ended ended =
        sandbox.sh("tr -s ' ' < /proc/self/timens_offsets; cut -d. -f1 /proc/uptime",
                   {init, "--time-namespace=boottime=1000000000.5"});
    EXPECT_THAT(ended.out, AllOf(HasSubstr("monotonic 0 0\n"),
                                 HasSubstr("boottime 1000000000 500000000\n100")))
        << ended.all();
  }
  const Ended report = sandbox.run({"--json", "--time-namespace", "true"});
  EXPECT_THAT(testing::PrintToString(report.json()["layers"]["namespaces"]), HasSubstr("time"));
  const Ended early = sandbox.run({"--time-namespace=boottime=-2000000000", "true"});
  EXPECT_EQ(early.code, 125);
  EXPECT_THAT(early.err, AllOf(HasSubstr("--time-namespace"), HasSubstr("before zero")));
}

// ptrace(2) has number 101 or 117: of a process that is not there it says ESRCH, and the policy
// says EPERM.
TEST_P(Wishes, ASystemCallMoreAndNoOther) {
  const std::string script =
      "import ctypes, platform\n"
      "libc = ctypes.CDLL(None, use_errno=True)\n"
      "number = 101 if platform.machine() == 'x86_64' else 117\n"
      "libc.syscall(number, 16, 9999, 0, 0)\n"
      "print(ctypes.get_errno())\n";
  EXPECT_EQ(sandbox.run({"python3", "-c", script}).out, "1\n");
  EXPECT_EQ(sandbox.run({"--seccomp-allow", "ptrace", "python3", "-c", script}).out, "3\n");
  EXPECT_EQ(sandbox.run({"--seccomp-allow", "kcmp", "python3", "-c", script}).out, "1\n");
  const Ended report = sandbox.run({"--json", "--seccomp-allow", "ptrace", "true"});
  EXPECT_THAT(testing::PrintToString(report.json()["notes"]),
              HasSubstr("weakened: --seccomp-allow ptrace"));
  for (const auto& [name, why] :
       std::vector<std::pair<std::string, std::string>>{{"mount", "mounts"},
                                                        {"setns", "namespaces"},
                                                        {"clone3", "namespaces"},
                                                        {"init_module", "into the kernel"},
                                                        {"reboot", "the host itself"},
                                                        {"no_such_call", "these can be allowed"}}) {
    const Ended ended = sandbox.run({"--seccomp-allow", name, "true"});
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("--seccomp-allow '" + name), HasSubstr(why)));
  }
}

// They act on the command's loader, inside; nucleus and the init are static and read none of them.
TEST_P(Wishes, VariablesOfTheLoaderAreTheCommandsOwn) {
  std::vector<std::string> flags;
  for (const char* item :
       {"LD_PRELOAD=/none.so", "LD_LIBRARY_PATH=/none", "LD_AUDIT=/none.so", "LD_BIND_NOW=1",
        "GLIBC_TUNABLES=glibc.malloc.check=3", "with.dots=and-dashes"})
    flags.insert(flags.end(), {"-e", item});
  for (const char* init : {"--init", "--no-init"}) {
    std::vector<std::string> all = flags;
    all.emplace_back(init);
    const Ended ended = sandbox.sh("echo $LD_PRELOAD; (exit 3) & wait; exit 7", all);
    EXPECT_EQ(ended.code, 7) << ended.all();
    EXPECT_EQ(ended.out, "/none.so\n");
    EXPECT_THAT(ended.err, Not(HasSubstr("nucleus:")));
  }
  sandbox.env["LD_PRELOAD"] = "/none.so";
  EXPECT_EQ(sandbox.sh("echo -$LD_PRELOAD-").out, "--\n");
  EXPECT_EQ(sandbox.run({"-e", "A B=1", "true"}).code, 2);
}

}  // namespace
}  // namespace nucleus::test
