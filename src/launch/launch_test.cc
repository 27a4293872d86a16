#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <cerrno>
#include <cstring>

#include "launch/freeze.h"
#include "launch/init/config.h"
#include "launch/launch_plan.h"
#include "launch/parent.h"

namespace nucleus::launch {
namespace {

spec::ContainerSpec some_spec() {
  spec::ContainerSpec spec;
  spec.argv = {"tool", "x"};
  spec.env = {"PATH=/usr/bin::/bin", "A=b"};
  spec.cwd = "/";
  spec.hostname = "box";
  return spec;
}

LaunchPlan plan_of(const spec::ContainerSpec& spec, const isolation::IdMaps& maps) {
  filesystem::RootPlan root;
  root.ops.push_back({.verb = spec::MountVerb::bind,
                      .target = "data",
                      .source = "/srv",
                      .flag = "--volume /srv:/data"});
  root.places.push_back({"/data", filesystem::Access::read_write});
  return *make_plan(spec, maps, root,
                    {.landlock_abi = 4, .last_capability = 40, .open_files = {4096, 4096}}, 0);
}

TEST(CommandCandidates, FollowTheContainersPath) {
  spec::ContainerSpec spec = some_spec();
  EXPECT_EQ(command_candidates(spec),
            (std::vector<std::string>{"/usr/bin/tool", "./tool", "/bin/tool"}));
  spec.argv = {"./tool"};
  EXPECT_EQ(command_candidates(spec), (std::vector<std::string>{"./tool"}));
  spec.argv = {"tool"};
  spec.env = {};
  EXPECT_TRUE(command_candidates(spec).empty());
}

TEST(MakePlan, RefusesToGoWithoutLandlock) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const auto plan =
      make_plan(spec, maps, {}, {.landlock_abi = 0, .last_capability = 40, .open_files = {}}, 0);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().text().find("Landlock"), std::string::npos);
}

TEST(MakePlan, TakesTheCallersOwnLimitOfProcessesWhenItIsSmaller) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  KernelFacts facts{.landlock_abi = 4, .last_capability = 40, .open_files = {4096, 4096}};
  const auto most = [&](rlim_t own) {
    facts.processes = {.rlim_cur = own, .rlim_max = own};
    const auto plan = make_plan(spec, maps, {}, facts, 512);
    EXPECT_TRUE(plan);
    for (const auto& [resource, value] : plan->rlimits) {
      if (resource == RLIMIT_NPROC) return value.rlim_max;
    }
    return rlim_t{0};
  };
  EXPECT_EQ(most(100), 100U);
  EXPECT_EQ(most(RLIM_INFINITY), 512U);
}

TEST(Receive, HearsTheLastWordsOfAPeerThatHasNotReadOurs) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  child::Message words{};
  words.kind = child::MessageKind::failed;
  words.errnum = EROFS;
  ASSERT_EQ(::send(theirs.get(), &words, sizeof words, 0), static_cast<ssize_t>(sizeof words));
  ASSERT_EQ(::send(ours.get(), &words, sizeof words, 0), static_cast<ssize_t>(sizeof words));
  theirs.reset();
  const auto heard = receive(ours.get(), nullptr);
  ASSERT_TRUE(heard && *heard) << "the kernel tells of the reset first";
  EXPECT_EQ((*heard)->errnum, EROFS);
  const auto end = receive(ours.get(), nullptr);
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

// The end of an init as its supervisor finds it: what it said on the socket, and then by the pipe.
Result<std::optional<sys::WaitStatus>> last_word_of(std::vector<child::Message> said,
                                                    std::optional<child::Message> by_pipe,
                                                    bool started) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const LaunchPlan plan = plan_of(spec, maps);
  Launched container;
  container.started = started;
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  container.socket = sys::UniqueFd(ends[0]);
  const sys::UniqueFd socket(ends[1]);
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  container.words = sys::UniqueFd(ends[0]);
  sys::UniqueFd words(ends[1]);
  for (const child::Message& message : said) {
    EXPECT_EQ(::send(socket.get(), &message, sizeof message, 0),
              static_cast<ssize_t>(sizeof message));
  }
  if (by_pipe) {
    EXPECT_EQ(::write(words.get(), &*by_pipe, sizeof *by_pipe),
              static_cast<ssize_t>(sizeof *by_pipe));
  }
  words.reset();
  ::shutdown(socket.get(), SHUT_RDWR);
  return last_word(plan, container);
}

TEST(LastWord, TellsHowItEndedOrWhatWentWrong) {
  const auto message = [](child::MessageKind kind) {
    child::Message out;
    out.kind = kind;
    out.step = child::Step::wait_for_workload;
    out.errnum = EIO;
    out.code = 7;
    return out;
  };
  const auto started = message(child::MessageKind::started);
  const auto failed = message(child::MessageKind::failed);
  const auto ended = message(child::MessageKind::ended);
  const auto word = last_word_of({started}, ended, false);
  ASSERT_TRUE(word && *word);
  EXPECT_EQ((*word)->code, 7);
  // A supervisor that was killed has heard the first word.
  EXPECT_TRUE(*last_word_of({}, ended, false));
  EXPECT_EQ(last_word_of({failed}, {}, false).error().errnum, EIO);
  EXPECT_EQ(last_word_of({started}, failed, false).error().errnum, EIO);
  // Killed: while it ran, and before.
  EXPECT_FALSE(*last_word_of({started}, {}, false));
  EXPECT_FALSE(*last_word_of({}, {}, true));
  EXPECT_FALSE(last_word_of({}, {}, false));
}

TEST(MakePlan, NeverRaisesALimit) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const LaunchPlan plan = plan_of(spec, maps);
  for (const auto& [resource, value] : plan.rlimits) {
    EXPECT_LE(value.rlim_cur, value.rlim_max);
    if (resource == RLIMIT_NOFILE) {
      EXPECT_EQ(value.rlim_max, 4096U);
    }
  }
}

TEST(InitConfig, PutsOffsetsInFrontOfTheStrings) {
  const std::string block = init_config({"/bin/a"}, {"a", ""}, {"K=v"});
  init::Config header;
  std::memcpy(&header, block.data(), sizeof header);
  EXPECT_EQ(header.size, block.size());
  EXPECT_EQ(header.slots, 7U);
  std::vector<std::uint64_t> slots(header.slots);
  std::memcpy(slots.data(), block.data() + sizeof header, slots.size() * 8);
  EXPECT_STREQ(block.data() + slots[0], "/bin/a");
  EXPECT_EQ(slots[1], 0U);
  EXPECT_STREQ(block.data() + slots[2], "a");
  EXPECT_STREQ(block.data() + slots[3], "");
  EXPECT_EQ(slots[4], 0U);
  EXPECT_STREQ(block.data() + slots[5], "K=v");
  EXPECT_EQ(slots[6], 0U);
}

TEST(ExplainFailure, NamesTheObjectTheReasonAndTheFlag) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const LaunchPlan plan = plan_of(spec, maps);
  child::Message message;
  message.kind = child::MessageKind::failed;
  message.step = child::Step::mount_op;
  message.errnum = ENOTDIR;
  const std::string text = explain_failure(plan, message).text();
  for (const char* part : {"/srv", "/data", "ENOTDIR", "--volume"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(ExplainFailure, EveryStepHasASentence) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const LaunchPlan plan = plan_of(spec, maps);
  for (auto step = 0U; step <= static_cast<unsigned>(child::Step::execute); ++step) {
    for (const std::uint32_t index : {0U, 7U}) {
      child::Message message;
      message.step = static_cast<child::Step>(step);
      message.index = index;
      message.errnum = EPERM;
      EXPECT_NE(explain_failure(plan, message).text().size(), 0U);
    }
  }
}

TEST(ExplainFailure, MissingAndNotExecutableAreToldApart) {
  const spec::ContainerSpec spec = some_spec();
  const isolation::IdMaps maps;
  const LaunchPlan plan = plan_of(spec, maps);
  child::Message message;
  message.step = child::Step::execute;
  message.errnum = ENOENT;
  EXPECT_EQ(explain_failure(plan, message).kind, Kind::not_found);
  message.errnum = EACCES;
  EXPECT_EQ(explain_failure(plan, message).kind, Kind::not_executable);
}

}  // namespace
}  // namespace nucleus::launch
