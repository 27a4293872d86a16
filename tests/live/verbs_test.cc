// Verbs that others' tools know, and what the usual ones do when asked for all of it.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

NUCLEUS_LIVE_SUITE(Verbs);

TEST_P(Verbs, TheStateIsTheOcis) {
  start("one", "exec sleep 1000", {"--label", "tier=web"});
  const auto state = [&] { return nlohmann::json::parse(sandbox.call({"state", "one"}).out); };
  auto found = state();
  EXPECT_EQ(found["ociVersion"], "1.0.2");
  EXPECT_EQ(found["status"], "running");
  EXPECT_EQ(std::to_string(found["pid"].get<int>()), about("one", "pid"));
  EXPECT_EQ(found["annotations"]["tier"], "web");
  EXPECT_TRUE(fs::is_directory(found["bundle"].get<std::string>()));
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  EXPECT_TRUE(becomes("one", "stopped"));
  found = state();
  EXPECT_EQ(found["status"], "stopped");
  EXPECT_EQ(found["pid"], 0);
  EXPECT_EQ(sandbox.call({"state", "none"}).code, 1);
  EXPECT_THAT(sandbox.call({"state", "--all"}).out, HasSubstr("one"));
}

TEST_P(Verbs, DeleteIsRm) {
  start("one", "exec sleep 1000");
  EXPECT_EQ(sandbox.call({"delete", "one"}).code, 1);
  EXPECT_EQ(sandbox.call({"delete", "--force", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Verbs, NoPortIsPublishedAndItIsSaidWhy) {
  start("one", "exec sleep 1000");
  const Ended list = sandbox.call({"port", "one"});
  EXPECT_EQ(list.code, 0);
  EXPECT_EQ(list.out, "");
  EXPECT_THAT(list.err, HasSubstr("--network none"));
  EXPECT_EQ(sandbox.call({"port", "--json", "one"}).out, "[]\n");
  const Ended one = sandbox.call({"port", "one", "80/tcp"});
  EXPECT_NE(one.code, 0);
  EXPECT_THAT(one.err, HasSubstr("80/tcp"));
  EXPECT_EQ(sandbox.call({"port", "one", "80/sctp"}).code, 2);
}

TEST_P(Verbs, ASignalToAllReachesEveryProcess) {
  start("one", R"(
    sh -c "trap 'echo child told; exit 0' USR1; echo child up; while :; do sleep 0.05; done" &
    trap 'echo main told' USR1
    echo main up
    wait
    while :; do sleep 0.05; done)");
  ASSERT_TRUE(says("one", "child up"));
  ASSERT_TRUE(says("one", "main up"));
  Running exec = sandbox.start({"exec", "one", "sh", "-c",
                                "trap 'echo exec told; exit 9' USR1; echo up; "
                                "while :; do sleep 0.05; done"});
  ASSERT_TRUE(exec.wait_for("up"));
  EXPECT_EQ(sandbox.call({"kill", "--all", "--signal", "USR1", "one"}).code, 0);
  EXPECT_EQ(exec.wait().code, 9);
  EXPECT_TRUE(says("one", "child told"));
  EXPECT_TRUE(says("one", "main told"));
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(sandbox.call({"kill", "--all", "one"}).code, 0);
  EXPECT_TRUE(becomes("one", "stopped"));
}

TEST_P(Verbs, VolumesGoWithTheLastThatHasThem) {
  sandbox.env["NUCLEUS_DATA_DIR"] = sandbox.home() + "/data";
  start("one", "exec sleep 1000", {"-v", "kept:/kept", "-v", "gone:/gone"});
  start("two", "exec sleep 1000", {"-v", "kept:/kept"});
  const Ended removed = sandbox.call({"rm", "--force", "--volumes", "one"});
  EXPECT_EQ(removed.code, 0) << removed.all();
  EXPECT_THAT(removed.err, AllOf(HasSubstr("kept"), HasSubstr("two")));
  EXPECT_EQ(sandbox.call({"volume", "ls", "--quiet"}).out, "kept\n");
  EXPECT_EQ(sandbox.call({"rm", "--force", "two"}).code, 0);
  EXPECT_EQ(sandbox.call({"volume", "ls", "--quiet"}).out, "kept\n");
  EXPECT_EQ(sandbox.call({"volume", "rm", "kept"}).code, 0);
}

TEST_P(Verbs, ALimitOfMemoryCanBeTakenAway) {
  if (!limits_work(GetParam())) GTEST_SKIP() << "no cgroup of this user's holds limits here";
  start("one", "exec sleep 1000", {"--memory", "64M"});
  EXPECT_NE(sandbox.call({"update", "--memory", "unlimited", "--memory-swap", "1G", "one"}).code,
            0);
  const Ended updated = sandbox.call({"update", "--memory", "unlimited", "one"});
  EXPECT_EQ(updated.code, 0) << updated.all();
  const Ended ended =
      sandbox.call({"exec", "one", "python3", "-c", "x = bytearray(200_000_000); print(len(x))"});
  EXPECT_EQ(ended.out, "200000000\n") << ended.all();
}

}  // namespace
}  // namespace nucleus::test
