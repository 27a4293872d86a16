// The other end of a session is this program itself, which takes CRIU's part when it is started
// with CRIU's words; what it plays is said to it in the request, as `root`.
#include "checkpoint/session.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "checkpoint/protobuf.h"

namespace nucleus::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int kSocket = 3;

void tell(const std::string& bytes) { (void)!::send(kSocket, bytes.data(), bytes.size(), 0); }

std::string told() {
  std::string bytes(65536, '\0');
  const ssize_t got = ::recv(kSocket, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::string text_in(std::string_view message, unsigned number) {
  const auto fields = read_proto(message);
  if (!fields) return {};
  for (const ProtoField& field : *fields)
    if (field.field == number) return std::string(field.text);
  return {};
}

// True: the step was answered with yes.
bool step(const std::string& name) {
  tell(
      ProtoWriter().number(1, 6).number(2, 1).text(5, ProtoWriter().text(1, name).bytes()).bytes());
  const std::string answer = told();
  return answer == rpc_notified(true);
}

[[noreturn]] void play() {
  const std::string part = text_in(text_in(told(), 2), 13);
  const std::string good = ProtoWriter().number(1, 1).number(2, 1).bytes();
  const std::string bad =
      ProtoWriter().number(1, 1).number(2, 0).number(7, EEXIST).text(9, "taken").bytes();
  if (part == "steps") {
    for (const char* name : {"pre-dump", "post-dump"}) {
      if (step(name)) continue;
      tell(bad);
      ::_exit(1);
    }
    tell(good);
  } else if (part == "fails") {
    (void)!::write(2, "Error (criu/x.c:1): on the stream\n", 34);
    tell(bad);
  } else if (part == "dies") {
    (void)!::write(2, "Error (criu/x.c:1): on the stream\n", 34);
    ::raise(SIGKILL);
  } else if (part == "silent") {
    ::pause();
  } else if (part == "nonsense") {
    tell("\x0b");
  } else if (part == "prints") {
    for (int line = 0; line < 100000; ++line) (void)!::write(1, "a long line of words\n", 21);
    tell(good);
  } else if (part == "lingers") {
    tell(good);
    ::pause();
  } else if (part == "given") {
    char byte = 'g';
    (void)!::write(kFirstGivenFd, &byte, 1);
    tell(good);
  }
  ::_exit(0);
}

__attribute__((constructor)) void take_criu_part(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[2]) == "swrk") play();
}

class Session : public testing::Test {
 protected:
  Session() {
    criu.path = "/proc/self/exe";
    criu.fd = sys::UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    char place[] = "/tmp/nucleus-session-XXXXXX";
    work = ::mkdtemp(place);
    work_fd = sys::UniqueFd(::open(work.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override { std::filesystem::remove_all(work); }

  Result<RpcAnswer> ask(const std::string& part, const OnStep& on_step = {},
                        std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    return ask_criu(criu, RpcType::dump,
                    {.work_dir_fd = work_fd.get(), .log_file = "dump.log", .root = part}, work,
                    on_step, given, patience);
  }

  Criu criu;
  std::string work;
  sys::UniqueFd work_fd;
  std::vector<int> given;
};

TEST_F(Session, EachStepIsHeardInItsOrder) {
  std::vector<std::string> steps;
  const auto answer = ask("steps", [&](const Step& heard) -> Result<> {
    steps.push_back(heard.name);
    return {};
  });
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_TRUE(answer->success);
  EXPECT_THAT(steps, ElementsAre("pre-dump", "post-dump"));
}

TEST_F(Session, WhatAStepSaysNoToIsTheReason) {
  int steps = 0;
  const auto answer = ask("steps", [&](const Step&) -> Result<> {
    ++steps;
    return fail(Kind::runtime, ENOSPC, "write", "the root");
  });
  EXPECT_EQ(answer.error().errnum, ENOSPC);
  EXPECT_EQ(steps, 1);
}

TEST_F(Session, AFailureHasItsOwnReason) {
  const auto plain = ask("fails");
  EXPECT_EQ(plain.error().errnum, EEXIST);
  EXPECT_THAT(plain.error().text(), HasSubstr("taken; see " + work + "/dump.log"));
  std::ofstream(work + "/dump.log") << "(00.1) fine\n(00.2) Error (criu/y.c:3): by the log\n";
  const auto logged = ask("fails");
  EXPECT_THAT(logged.error().text(), HasSubstr("by the log"));
  EXPECT_THAT(logged.error().text(), Not(HasSubstr("fine")));
}

TEST_F(Session, ALogThatIsALinkIsNotFollowed) {
  std::ofstream(work + "/other") << "Error (criu/y.c:3): of somebody else\n";
  std::filesystem::create_symlink("other", work + "/dump.log");
  EXPECT_THAT(ask("fails").error().text(), Not(HasSubstr("somebody")));
}

TEST_F(Session, OneThatDiesIsSaidToHave) {
  const auto answer = ask("dies");
  EXPECT_THAT(answer.error().text(), HasSubstr("signal 9: on the stream"));
}

TEST_F(Session, OneThatIsSilentIsKilled) {
  EXPECT_EQ(ask("silent", {}, std::chrono::milliseconds(50)).error().errnum, ETIMEDOUT);
  const auto stepping = [](const Step&) -> Result<> { return {}; };
  EXPECT_EQ(ask("silent", stepping, std::chrono::milliseconds(50)).error().errnum, ETIMEDOUT);
}

TEST_F(Session, OneThatDoesNotEndIsKilled) {
  EXPECT_EQ(ask("lingers", {}, std::chrono::milliseconds(50)).error().errnum, ETIMEDOUT);
}

TEST_F(Session, NonsenseIsNoAnswer) { EXPECT_EQ(ask("nonsense").error().errnum, EBADMSG); }

TEST_F(Session, ALongOutputIsTaken) { EXPECT_TRUE(ask("prints")); }

TEST_F(Session, DescriptorsAreGivenByNumber) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const sys::UniqueFd in(ends[0]);
  sys::UniqueFd out(ends[1]);
  given = {out.get()};
  EXPECT_TRUE(ask("given"));
  out.reset();
  std::string bytes(8, '\0');
  EXPECT_EQ(::read(in.get(), bytes.data(), bytes.size()), 1);
  EXPECT_EQ(bytes[0], 'g');
}

TEST_F(Session, WhatCannotBeExecutedIsAnError) {
  criu.fd = sys::UniqueFd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ask("steps").error().errnum, ENOEXEC);
}

}  // namespace
}  // namespace nucleus::checkpoint
