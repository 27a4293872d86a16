// The same attempts, and those that only a workload without namespaces can make, at
// --isolation landlock.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LandlockLevel : public ForEverybody {
 protected:
  void SetUp() override {
    if (sandbox.call({"doctor", "--json"}).json()["landlock_abi"] < 6)
      GTEST_SKIP() << "Landlock has no scopes here (ABI 6)";
  }
  Ended probe(const std::string& attempt, std::vector<std::string> flags = {}) {
    const std::string path = guest("attack_probe");
    flags.insert(flags.begin(), {"--isolation", "landlock", "-v", path + ":" + path});
    flags.insert(flags.end(), {"--", path, attempt});
    return sandbox.run(std::move(flags));
  }
  Ended held(const std::string& script, std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"--isolation", "landlock"});
    return sandbox.sh(script, std::move(flags));
  }
  void expect_refused(const Ended& ended) {
    EXPECT_EQ(ended.code, 0) << ended.all();
    EXPECT_THAT(ended.out, testing::Not(HasSubstr("ESCAPED"))) << ended.all();
    EXPECT_THAT(ended.out, testing::AnyOf(HasSubstr("refused"), HasSubstr("held")));
  }
};
INSTANTIATE_TEST_SUITE_P(As, LandlockLevel, testing::ValuesIn(everybody()), name_of);

TEST_P(LandlockLevel, NothingOfTheProbesListGoesThrough) {
  const Ended ended = probe("all");
  std::istringstream lines(ended.out);
  std::string found;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    // Landlock lets the existence of a path be seen (O_PATH, stat), and says so: docs/isolation.md.
    const bool existence = line.ends_with("could be opened (flags 010000000)");
    const bool untried = line.find("no terminal to try it on") != std::string::npos;
    if (line.find(" ESCAPED") != std::string::npos && !existence && !untried) found += line + "\n";
  }
  EXPECT_EQ(found, "");
  EXPECT_GT(count, 150) << ended.all();
}

TEST_P(LandlockLevel, FilesOutsideAreNotRead) {
  sandbox.write("secret", "the host's secret\n");
  const std::string file = sandbox.home() + "/secret";
  const Ended ended =
      held("cat '" + file + "'; ls '" + sandbox.home() + "'; cat < '" + file + "'; ln -s '" + file +
           "' l && cat l; ln '" + file +
           "' h && cat h; ls / /root /home /tmp /var /proc /sys; cat /proc/1/cmdline "
           "/proc/self/environ; cat /etc/shadow; true");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "") << ended.all();
}

TEST_P(LandlockLevel, FilesOutsideAreNotChanged) {
  sandbox.write("file", "as it was\n", 0666);
  const std::string home = sandbox.home();
  fs::permissions(home, fs::perms(0777));
  const std::string file = home + "/file";
  const auto before = fs::last_write_time(file);
  const Ended ended =
      held("cd '" + home +
           "'; echo x > file; echo x > new; rm file; mv file moved; mkdir d; truncate -s 0 "
           "file; chmod 777 file; chmod 700 .; touch file; touch -d 2001-01-01 file; chown $(id "
           "-u) file; "
           "ln file hard; python3 -c 'import os; os.setxattr(\"file\", \"user.a\", b\"b\")'; true");
  EXPECT_EQ(ended.code, 0) << ended.all();
  std::string text;
  std::getline(std::ifstream(file), text);
  EXPECT_EQ(text, "as it was");
  EXPECT_EQ(fs::last_write_time(file), before);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0666));
  EXPECT_EQ(fs::status(home).permissions(), fs::perms(0777));
  EXPECT_EQ(fs::hard_link_count(file), 1U);
  EXPECT_FALSE(fs::exists(home + "/new") || fs::exists(home + "/d") || fs::exists(home + "/moved"));
}

// Whoever answers for modes must not be led out of the places by a link, nor by a name of /proc.
TEST_P(LandlockLevel, LinksLeadTheSupervisorNowhere) {
  sandbox.write("file", "as it was\n", 0666);
  const std::string file = sandbox.home() + "/file";
  const Ended ended = held("ln -s '" + file + "' l; chmod 777 l; ln -s '" + sandbox.home() +
                           "' d; chmod 777 d/file; chmod 777 /proc/self/cwd /proc/self/root"
                           "/" +
                           file + "; ln -s /proc/self/root r; chmod 777 r" + file +
                           "; touch -d 2001-01-01 l d/file; chmod 777 ../../" + file + "; true");
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0666));
  EXPECT_THAT(ended.err, HasSubstr("Operation not permitted"));
}

TEST_P(LandlockLevel, OtherProcessesAreOutOfReach) {
  // One of the workload's own uid: nothing but Landlock and seccomp stands between.
  const pid_t other = ::fork();
  if (other == 0) {
    const uid_t uid = sandbox.is_root() ? 65534 : ::geteuid();
    if (sandbox.is_root() && ::setuid(uid) != 0) ::_exit(1);
    if (!sandbox.is_root()) {
      struct stat home{};
      if (::stat(sandbox.home().c_str(), &home) != 0 ||
          (::geteuid() != home.st_uid && ::setuid(home.st_uid) != 0))
        ::_exit(1);
    }
    for (;;) ::pause();
  }
  const std::string pid = std::to_string(other);
  const Ended ended = held(
      "kill -9 " + pid + "; kill -STOP " + pid + "; kill -9 -1; renice 19 -p " + pid +
      "; prlimit --pid " + pid + " --nofile=3:3; taskset -p 1 " + pid + "; ionice -c3 -p " + pid +
      "; cat /proc/" + pid + "/cmdline /proc/" + pid + "/environ; kill -9 $PPID; echo done");
  EXPECT_THAT(ended.out, testing::AllOf(HasSubstr("done"), testing::Not(HasSubstr("nucleus"))));
  int status = 0;
  EXPECT_EQ(::waitpid(other, &status, WNOHANG | WUNTRACED), 0) << ended.all();
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(other)), ::getpriority(PRIO_PROCESS, 0));
  std::ifstream limits("/proc/" + pid + "/limits");
  const std::string text((std::istreambuf_iterator<char>(limits)), {});
  EXPECT_THAT(text, testing::ContainsRegex("Max open files +[0-9][0-9]"));
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

TEST_P(LandlockLevel, TheNetworkIsOutOfReach) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 4), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  expect_refused(probe("connect_loopback=" + port));
  const Ended open =
      probe("connect_loopback=" + port, {"--network", "host", "--allow-host-network"});
  EXPECT_THAT(open.out, HasSubstr("ESCAPED")) << "the probe can connect where it may";
  ::close(fd);
}

TEST_P(LandlockLevel, UnixSocketsAreOutOfReach) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = sandbox.home() + "/socket";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  for (const bool network : {false, true}) {
    std::vector<std::string> flags = {"-v", sandbox.home() + ":" + sandbox.home() + ":rw"};
    if (network) flags.insert(flags.end(), {"--network", "host", "--allow-host-network"});
    const Ended ended = held(
        "python3 -c '\nimport socket\n"
        "def tried(what):\n"
        "  try: what()\n"
        "  except OSError as error: print(\"refused\")\n"
        "  else: print(\"ESCAPED\")\n"
        "tried(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\"x\", \"" +
            path +
            "\"))\n"
            "tried(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b\"x\", "
            "\"" +
            path +
            "\"))\n"
            "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)\n"
            "tried(lambda: a.connect(\"" +
            path +
            "\"))\n"
            "b.close()\n"
            "tried(lambda: a.connect(\"" +
            path +
            "\"))\n"
            "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "tried(lambda: a.connect(\"" +
            path + "\"))\n'",
        flags);
    EXPECT_EQ(ended.out, "refused\nrefused\nrefused\nrefused\nrefused\n") << ended.all();
  }
  char got = 0;
  EXPECT_LT(::recv(fd, &got, 1, MSG_DONTWAIT), 0);
  ::close(fd);
}

TEST_P(LandlockLevel, SharedMemoryOfTheHostIsOutOfReach) {
  const key_t key = 0x6e75636d;
  const int id = ::shmget(key, 4096, IPC_CREAT | 0666);
  ASSERT_GE(id, 0);
  expect_refused(probe("sysv_segment=" + std::to_string(key)));
  expect_refused(probe("sysv_segment_by_id=" + std::to_string(id)));
  ::shmctl(id, IPC_RMID, nullptr);
}

}  // namespace
}  // namespace nucleus::test
