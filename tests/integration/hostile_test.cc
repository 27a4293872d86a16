// Contexts that somebody made to do harm: whatever is in them is copied or refused, and nothing of
// the host's comes along.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "support/everybody.h"
#include "support/screen.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HostileContext : public ForEverybody {
 protected:
  void SetUp() override { sandbox.make_directory("ctx"); }
  std::string in(const std::string& name) const { return sandbox.home() + "/" + name; }
  Ended sh(const std::string& script, std::vector<std::string> flags = {}) const {
    flags.insert(flags.end(), {"--context", in("ctx")});
    return sandbox.sh(script, std::move(flags));
  }
  void link(const std::string& text, const std::string& name) const {
    fs::create_symlink(text, in("ctx/" + name));
    sandbox.own(in("ctx/" + name));
  }
};
INSTANTIATE_TEST_SUITE_P(As, HostileContext, testing::ValuesIn(everybody()), name_of);

std::vector<pid_t> children_of(pid_t pid) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) +
                       "/children");
  std::vector<pid_t> found;
  for (pid_t child = 0; stream >> child;) found.push_back(child);
  return found;
}

bool is_copying(pid_t nucleus, const std::vector<pid_t>& children) {
  std::error_code code;
  if (children.size() != 2 ||
      fs::read_symlink("/proc/" + std::to_string(children.back()) + "/exe", code) !=
          fs::read_symlink("/proc/" + std::to_string(nucleus) + "/exe", code))
    return false;
  // A program about to be spawned looks the same, but its parent does not sleep (S) then: vfork(2).
  std::ifstream stream("/proc/" + std::to_string(nucleus) + "/stat");
  const std::string stat(std::istreambuf_iterator<char>(stream), {});
  const std::size_t name = stat.rfind(')');
  return name != std::string::npos && stat.compare(name, 3, ") S") == 0;
}

// The process that copies, stopped in the midst of it: beside the container's first process it is
// the only child, and the younger one. Nothing when nucleus was through before.
std::optional<pid_t> stop_copying(pid_t nucleus) {
  std::optional<pid_t> helper;
  (void)eventually([&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (!helper && std::chrono::steady_clock::now() < deadline) {
      const auto children = children_of(nucleus);
      if (is_copying(nucleus, children)) helper = children.back();
      std::error_code code;
      if (fs::read_symlink("/proc/" + std::to_string(nucleus) + "/exe", code).empty()) return true;
    }
    return helper.has_value();
  });
  if (helper && ::kill(*helper, SIGSTOP) != 0) helper.reset();
  return helper;
}

void make_many_files(const Sandbox& sandbox, const std::string& directory, int count) {
  for (int at = 0; at < count; ++at) {
    const std::string path = sandbox.home() + "/" + directory + "/" + std::to_string(at);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ASSERT_GE(fd, 0) << path;
    ::close(fd);
  }
}

bool only_text(const std::string& text) {
  return std::ranges::all_of(text,
                             [](unsigned char c) { return c == '\n' || (c >= 32 && c < 127); });
}

TEST_P(HostileContext, LinksStayLinksAndShowNothingOfTheHost) {
  sandbox.write("outside", "of the host");
  link("loop", "loop");
  link("b", "a");
  link("a", "b");
  link("..", "up");
  link(in("outside"), "absolute");
  link("../outside", "relative");
  link("/proc/self/root/etc", "magic");
  const Ended ended =
      sh("for l in loop a b up absolute relative magic; do readlink $l; done; cat loop absolute "
         "relative up/outside 2>&1 | grep -c -e symbolic -e 'No such'; readlink -f up");
  EXPECT_EQ(ended.out,
            "loop\nb\na\n..\n" + in("outside") + "\n../outside\n/proc/self/root/etc\n4\n/\n")
      << ended.all();
}

TEST_P(HostileContext, DirectoriesNestedWithoutEndAreRefused) {
  std::string path = in("ctx");
  for (int depth = 0; depth < 300; ++depth) {
    path += "/dd";
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    sandbox.own(path);
  }
  const Ended ended = sh("true");
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--context"), HasSubstr("deeper than the limit of 256")));
}

TEST_P(HostileContext, SpecialFilesAndSetIdBitsDoNotComeAlong) {
  ASSERT_EQ(::mkfifo(in("ctx/fifo").c_str(), 0666), 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, in("ctx/socket").c_str(), sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  std::string expected = "(2): ";
  if (sandbox.is_root()) {
    ASSERT_EQ(::mknod(in("ctx/device").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
    expected = "(3): device ";
  }
  sandbox.write("ctx/setid", "x", 06755);
  const Ended ended = sh("ls; stat -c %a setid");
  EXPECT_EQ(ended.out, "setid\n755\n") << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("sockets, FIFOs or devices " + expected + "fifo socket"));
}

TEST_P(HostileContext, NamesCannotWriteOnATerminal) {
  for (const char* name : {"new\nline.pem", "\x1b[31m\x1b]0;title\x07.pem",
                           "\xc2\x9b"
                           "31m.pem",
                           "\xff\xfe.pem",
                           "\xe2\x80\xae"
                           "evil.pem",
                           "del\x7f.pem"})
    sandbox.write(std::string("ctx/") + name, "x");
  ASSERT_EQ(::mkfifo(in("ctx/\x1b[2Jfifo").c_str(), 0666), 0);
  Ended ended = sh("true");
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("\\x1b[31m\\x1b]0;title\\x07.pem"), HasSubstr("new\\x0aline"),
                    HasSubstr("\\xc2\\x9b31m"), HasSubstr("\\x1b[2Jfifo")));
  EXPECT_TRUE(only_text(ended.err)) << ended.err;
  // In the outcome too, and it is still JSON.
  ended = sh("true", {"--json"});
  EXPECT_THAT(ended.out,
              AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xc2\x9b")), Not(HasSubstr("\x7f"))));
  EXPECT_FALSE(ended.json()["notes"].empty());
  // In an error.
  sandbox.make_directory("ctx/\x1b[2J");
  std::string path = in("ctx/\x1b[2J");
  for (int depth = 0; depth < 300; ++depth) {
    path += "/d";
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    sandbox.own(path);
  }
  ended = sh("true");
  EXPECT_EQ(ended.code, 125);
  EXPECT_TRUE(only_text(ended.err)) << ended.err;
}

TEST_P(HostileContext, AHugeSparseFileStaysSparse) {
  sandbox.write("ctx/huge", "begin");
  fs::resize_file(in("ctx/huge"), std::uintmax_t{1} << 40);
  std::ofstream(in("ctx/huge"), std::ios::app) << "end";
  const Ended ended = sh("stat -c %s huge; head -c 5 huge; tail -c 3 huge; du -m huge | cut -f1",
                         {"--context-size", "8M"});
  EXPECT_EQ(ended.out, "1099511627779\nbeginend1\n") << ended.all();
}

TEST_P(HostileContext, MoreThanItsRoomIsRefusedAndNamed) {
  sandbox.write("ctx/big", std::string(3U << 20, 'x'));
  Ended ended = sh("true", {"--context-size", "2M"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("big"), HasSubstr("2 MiB"), HasSubstr("raise --context-size")));
  // What fits is copied, and the rest of the room is the command's.
  ended = sh("head -c 8M /dev/zero > more 2>/dev/null || echo full; du -m . | cut -f1",
             {"--context-size", "4M"});
  EXPECT_EQ(ended.out, "full\n4\n") << ended.all();
}

TEST_P(HostileContext, MoreFilesThanItsRoomAreRefused) {
  make_many_files(sandbox, "ctx", 2000);
  const Ended ended = sh("true", {"--context-size", "1M"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--context"), HasSubstr("raise --context-size")));
}

TEST_P(HostileContext, ManyFilesAreCopied) {
  make_many_files(sandbox, "ctx", 20'000);
  const Ended ended = sh("ls | wc -l");
  EXPECT_EQ(ended.out, "20000\n") << ended.all();
}

TEST_P(HostileContext, MemoryBoundsTheCopy) {
  if (!limits_work(GetParam())) GTEST_SKIP() << "this user has no cgroup of its own here";
  sandbox.write("ctx/big", std::string(40U << 20, 'x'));
  const Ended ended = sh("true", {"--memory", "32M"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("32 MiB"), HasSubstr("raise --memory")));
}

// Changes the tree, again and again, as long as it lives. A process, since one with threads is not
// to be forked, as starting a nucleus does.
class Meanwhile {
 public:
  explicit Meanwhile(const std::function<void()>& change) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) change();
  }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;
  ~Meanwhile() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

TEST_P(HostileContext, ATreeThatChangesIsCopiedOrRefusedAndLeadsNowhere) {
  sandbox.make_directory("outside");
  sandbox.write("outside/secret", "of the host");
  sandbox.make_directory("ctx/swap");
  sandbox.write("ctx/swap/secret", "of the context");
  make_many_files(sandbox, "ctx", 400);
  const Meanwhile changing([this] {
    // A directory and a link to outside take turns under one name; so do a file, a FIFO and a link.
    const std::string swap = in("ctx/swap");
    (void)!::rename(swap.c_str(), in("aside").c_str());
    (void)!::symlink(in("outside").c_str(), swap.c_str());
    (void)!::unlink(swap.c_str());
    (void)!::rename(in("aside").c_str(), swap.c_str());
    const std::string turn = in("ctx/turn");
    const int file = ::open(turn.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ::close(file);
    (void)!::unlink(turn.c_str());
    (void)!::mkfifo(turn.c_str(), 0666);
    (void)!::unlink(turn.c_str());
    (void)!::symlink(in("outside/secret").c_str(), turn.c_str());
    (void)!::unlink(turn.c_str());
  });
  int copied = 0;
  for (int round = 0; round < 20; ++round) {
    const Ended ended = sh("cat turn swap/secret 2>/dev/null; echo; echo done");
    EXPECT_THAT(ended.out, Not(HasSubstr("of the host")));
    if (ended.code == 0) {
      ++copied;
      EXPECT_THAT(ended.out, HasSubstr("done")) << ended.all();
    } else {
      EXPECT_EQ(ended.code, 125) << ended.all();
      EXPECT_THAT(ended.err, HasSubstr("--context")) << ended.all();
    }
  }
  EXPECT_GT(copied, 0);
}

TEST_P(HostileContext, AFileThatGrowsWithoutEndIsCopiedToAnEnd) {
  sandbox.write("ctx/log", "first line\n");
  const int fd = ::open(in("ctx/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string line(64U << 10, 'x');
  Ended ended;
  {
    const Meanwhile growing([&] {
      (void)!::write(fd, line.data(), line.size());
      if (::lseek(fd, 0, SEEK_END) > off_t{64} << 20) (void)!::ftruncate(fd, 11);
    });
    ended = sh("head -n 1 log");
  }
  ::close(fd);
  EXPECT_EQ(ended.out, "first line\n") << ended.all();
}

TEST_P(HostileContext, AnInterruptEndsTheCopyAtOnce) {
  make_many_files(sandbox, "ctx", 20'000);
  for (int attempt = 0; attempt < 20; ++attempt) {
    Running running = sandbox.start({"run", "--context", in("ctx"), "--", "true"});
    const auto helper = stop_copying(running.pid());
    if (!helper) {
      EXPECT_EQ(running.wait().code, 0);
      continue;
    }
    running.send(SIGINT);  // while it is stopped no copy can come to its end
    const Ended ended = running.wait();
    EXPECT_EQ(ended.code, 130) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr("interrupted by SIGINT"));
    EXPECT_NE(::kill(*helper, 0), 0);
    EXPECT_TRUE(sandbox.recorded().empty());
    return;
  }
  FAIL() << "the copy was always through before it could be stopped";
}

std::optional<pid_t> copying_nucleus() {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    std::error_code code;
    if (name.find_first_not_of("0123456789") != std::string::npos ||
        fs::read_symlink(entry.path() / "exe", code) != nucleus_path())
      continue;
    const pid_t pid = std::stoi(name);
    if (is_copying(pid, children_of(pid))) return pid;
  }
  return std::nullopt;
}

TEST_P(HostileContext, ALongCopyShowsOnATerminalHowFarItIs) {
  make_many_files(sandbox, "ctx", 60'000);
  const Screen screen(sandbox, "$NUCLEUS run --context ctx -- sh -c 'ls | wc -l; echo through'");
  std::optional<pid_t> helper;
  ASSERT_TRUE(eventually([&] {
    for (int look = 0; look < 50 && !helper; ++look) {
      if (const auto nucleus = copying_nucleus()) helper = stop_copying(*nucleus);
    }
    return helper.has_value() || screen.text().find("ended=") != std::string::npos;
  }));
  if (!helper) GTEST_SKIP() << "the copy was through before it could be stopped";
  EXPECT_TRUE(screen.shows("nucleus: copying the context:"));
  ::kill(*helper, SIGCONT);
  EXPECT_TRUE(screen.shows("60000\nthrough"));
  EXPECT_TRUE(screen.shows("ended=0"));
  EXPECT_THAT(screen.text(), Not(HasSubstr("copying")));
}

TEST_P(HostileContext, WithoutATerminalNothingIsSaidOfALongCopy) {
  make_many_files(sandbox, "ctx", 20'000);
  Running running = sandbox.start({"run", "--context", in("ctx"), "--", "true"});
  if (const auto helper = stop_copying(running.pid())) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    ::kill(*helper, SIGCONT);
  }
  const Ended ended = running.wait();
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
}

}  // namespace
}  // namespace nucleus::test
