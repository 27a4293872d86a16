// Tries to get out. Every attempt of the guest program must fail; so must what needs something of
// the host's prepared.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;

class Attack : public ForEverybody {
 protected:
  Ended probe(const std::string& attempt, std::vector<std::string> flags = {}) {
    const std::vector<std::string> own = {"-v", guest("attack_probe") + ":/probe", "--", "/probe",
                                          attempt};
    flags.insert(flags.end(), own.begin(), own.end());
    return sandbox.run(flags);
  }
  void expect_refused(const Ended& ended) {
    EXPECT_EQ(ended.code, 0) << ended.all();
    EXPECT_THAT(ended.out, testing::Not(testing::HasSubstr("ESCAPED")));
    EXPECT_THAT(ended.out,
                testing::AnyOf(testing::HasSubstr("refused"), testing::HasSubstr("held")))
        << ended.all();
  }
};
INSTANTIATE_TEST_SUITE_P(As, Attack, testing::ValuesIn(everybody()), name_of);

std::string escapes_of(const Ended& ended) {
  std::istringstream lines(ended.out);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" ESCAPED") != std::string::npos) found += line + "\n";
  }
  return found;
}

TEST_P(Attack, NothingOfTheProbesListGoesThrough) {
  const Ended ended = probe("all");
  EXPECT_EQ(ended.code, 0) << escapes_of(ended) << ended.err;
  EXPECT_EQ(escapes_of(ended), "");
  EXPECT_GT(std::count(ended.out.begin(), ended.out.end(), '\n'), 150) << ended.all();
}

TEST_P(Attack, NothingGoesThroughForAnotherUserInside) {
  const Ended ended = probe("all", {"--user", "1000:1000"});
  EXPECT_EQ(ended.code, 0) << escapes_of(ended) << ended.err;
  EXPECT_EQ(escapes_of(ended), "");
}

TEST_P(Attack, NothingGoesThroughWithoutAnInit) {
  // PID 1 is the probe itself: only what looks at the init differs.
  const Ended ended =
      sandbox.run({"--no-init", "-v", guest("attack_probe") + ":/probe", "--", "/probe", "all"});
  const std::string escapes = escapes_of(ended);
  for (const char* name :
       {"mount_", "unshare_", "setns_", "socket_", "write_", "capability", "chroot", "ptrace"}) {
    EXPECT_THAT(escapes, testing::Not(testing::HasSubstr(name)));
  }
}

// The probe must be able to notice: run on the host, without any sandbox, it finds open doors.
TEST(AttackProbe, NoticesWhatIsOpenOnTheHost) {
  FILE* const pipe =
      ::popen((guest("attack_probe") + " no_new_privs seccomp_on host_processes").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) text += line;
  ::pclose(pipe);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_THAT(text, testing::HasSubstr("ESCAPED")) << text;
}

TEST_P(Attack, AFileOfTheHostIsNotThere) {
  sandbox.write("secret", "the host's\n");
  expect_refused(probe("host_file=" + sandbox.home() + "/secret"));
}

TEST_P(Attack, AnAbstractSocketOfTheHostIsOutOfReach) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "nucleus-attack-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 4), 0);
  expect_refused(probe("connect_abstract=" + name));
  // With the host's network the names are those of the host; Landlock's scope, where there is one,
  // still says no.
  if (const auto abi =
          sandbox.run({"--json", "--", "true"}).json()["layers"]["landlock"]["abi"].get<int>();
      abi >= 6) {
    expect_refused(
        probe("connect_abstract=" + name, {"--network", "host", "--allow-host-network"}));
  }
  ::close(fd);
}

TEST_P(Attack, AServerOfTheHostsLoopbackIsOutOfReach) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 4), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  expect_refused(probe("connect_loopback=" + std::to_string(ntohs(address.sin_port))));
  ::close(fd);
}

TEST_P(Attack, SharedMemoryOfTheHostIsOutOfReach) {
  const key_t key = 0x6e75636c;
  const int id = ::shmget(key, 4096, IPC_CREAT | 0666);
  ASSERT_GE(id, 0);
  expect_refused(probe("sysv_segment=" + std::to_string(key)));
  expect_refused(probe("sysv_segment_by_id=" + std::to_string(id)));
  ::shmctl(id, IPC_RMID, nullptr);
}

TEST_P(Attack, LinksOfAContextLeadNowhere) {
  sandbox.write("secret", "the host's secret\n");
  sandbox.make_directory("ctx");
  fs::create_symlink(sandbox.home() + "/secret", sandbox.home() + "/ctx/absolute");
  fs::create_symlink("../secret", sandbox.home() + "/ctx/relative");
  fs::create_symlink("/proc/self/root/etc/shadow", sandbox.home() + "/ctx/magic");
  fs::create_directory_symlink("/", sandbox.home() + "/ctx/root");
  for (const char* mode : {"copy", "bind"}) {
    const Ended ended = sandbox.sh("cat absolute relative magic root/" + sandbox.home() +
                                       "/secret root/etc/shadow; ls -d root/home root/boot; true",
                                   {"--context", sandbox.home() + "/ctx", "--context-mode", mode});
    EXPECT_EQ(ended.code, 0) << ended.all();
    EXPECT_EQ(ended.out, "") << mode;
  }
}

// A rootfs whose places are links to the host's: everything that nucleus makes must land inside.
TEST_P(Attack, LinksOfARootfsLeadNowhere) {
  sandbox.make_directory("target");
  sandbox.make_directory("rootfs");
  const std::string rootfs = sandbox.home() + "/rootfs/";
  for (const char* name : {"etc", "dev", "proc", "sys", "tmp", "mnt"}) {
    fs::create_directory_symlink(sandbox.home() + "/target", rootfs + name);
  }
  fs::copy_file(guest("attack_probe"), rootfs + "probe");
  sandbox.own(rootfs + "probe");
  const Ended ended =
      sandbox.run({"--rootfs", rootfs, "--", "/probe", "host_file=" + sandbox.home() + "/secret"});
  // Whether such a root is refused or made to work, nothing may have been made behind the links.
  EXPECT_TRUE(fs::is_empty(sandbox.home() + "/target")) << ended.all();
  EXPECT_THAT(ended.out, testing::Not(testing::HasSubstr("ESCAPED")));
}

TEST_P(Attack, ATargetBehindALinkOfARootfsStaysInside) {
  sandbox.make_directory("target");
  sandbox.make_directory("rootfs");
  const std::string rootfs = sandbox.home() + "/rootfs";
  for (const char* name : {"etc", "dev", "proc", "sys", "tmp"})
    sandbox.make_directory(std::string("rootfs/") + name);
  fs::create_directory_symlink(sandbox.home() + "/target", rootfs + "/out");
  fs::copy_file(guest("attack_probe"), rootfs + "/probe");
  sandbox.own(rootfs + "/probe");
  const Ended ended = sandbox.run(
      {"--rootfs", rootfs, "--tmpfs", "/out/deeper", "-w", "/out", "--", "/probe", "parent_walk"});
  EXPECT_TRUE(fs::is_empty(sandbox.home() + "/target")) << ended.all();
}

}  // namespace
}  // namespace nucleus::test
