#include <gtest/gtest.h>

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
