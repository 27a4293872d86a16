// What a workload tells of itself, as sd_notify(3) has it.
#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

NUCLEUS_LIVE_SUITE(Notices);

// Sends each of its words, with \n for new lines, to the NOTIFY_SOCKET.
const std::string kTell = R"(tell() { python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for word in sys.argv[1:]:
    s.sendto(word.replace("\\n", "\n").encode(), os.environ["NOTIFY_SOCKET"])
' "$@"; }
)";

TEST_P(Notices, AStartComesBackWhenItIsReady) {
  start("one",
        kTell + R"(echo early; sleep 0.3; echo late; tell 'STATUS=two of\nREADY=1'; sleep 1000)",
        {"--readiness-sd-notify"});
  EXPECT_THAT(logs("one"), AllOf(HasSubstr("early"), HasSubstr("late")));
  EXPECT_TRUE(eventually([&] { return about("one", "status_text") == "two of"; }));
  EXPECT_THAT(sandbox.call({"events", "--filter", "event=ready"}).out, HasSubstr("name=one"));
  // So does every further process of it.
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", kTell + "tell STATUS=three"}).code, 0);
  EXPECT_TRUE(eventually([&] { return about("one", "status_text") == "three"; }));
}

TEST_P(Notices, EachRunIsReadyAnew) {
  ASSERT_EQ(sandbox
                .call({"create", "--name", "one", "--readiness-sd-notify", "--", "sh", "-c",
                       kTell + "tell STATUS=up READY=1; sleep 1000"})
                .code,
            0);
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(sandbox.call({"restart", "--time", "0", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Notices, TheStatusOfOneRunIsNotTheNexts) {
  sandbox.make_directory("flags");
  sandbox.write("flags/say", "");
  start("one", kTell + "test -e /flags/say && tell STATUS=old; tell READY=1; sleep 1000",
        {"--readiness-sd-notify", "--volume", sandbox.home() + "/flags:/flags:ro"});
  EXPECT_TRUE(eventually([&] { return about("one", "status_text") == "old"; }));
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "one"}).code, 0);
  EXPECT_EQ(about("one", "status_text"), "old");
  fs::remove(sandbox.home() + "/flags/say");
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_EQ(about("one", "status_text"), "");
}

TEST_P(Notices, WithoutAFlagThereIsNoSocket) {
  start("one",
        "echo \"<$NOTIFY_SOCKET$WATCHDOG_USEC>\"; test -e /run/nucleus || echo none; exec sleep "
        "1000");
  EXPECT_TRUE(says("one", "<>\nnone\n"));
}

TEST_P(Notices, AnotherUserInsideMayTellAndNobodyMayTakeTheSocketAway) {
  std::vector<std::string> flags = {"--readiness-sd-notify"};
  if (sandbox.is_root()) flags.insert(flags.end(), {"--user", "1000"});
  start("one", kTell + "tell READY=1; sleep 1000", flags);
  const Ended removed =
      sandbox.call({"exec", "one", "sh", "-c",
                    "rm -f /run/nucleus/notify; touch /run/nucleus/x; ls /run/nucleus"});
  EXPECT_EQ(removed.out, "notify\n") << removed.all();
}

TEST_P(Notices, InAReadOnlyRootAsWell) {
  start("one", kTell + "tell READY=1; sleep 1000", {"--readiness-sd-notify", "--read-only"});
  EXPECT_EQ(about("one", "status"), "running");
}

TEST_P(Notices, InARootfsAsWell) {
  sandbox.make_directory("rootfs");
  sandbox.make_directory("rootfs/bin");
  sandbox.make_directory("rootfs/else");
  for (const std::string name : {"sh", "ls", "sleep"}) {
    const std::string path = sandbox.home() + "/rootfs/bin/" + name;
    fs::copy_file("/bin/busybox", path);
    sandbox.own(path);
  }
  // Where a link of the rootfs leads is in the rootfs.
  fs::create_symlink("/else", sandbox.home() + "/rootfs/run");
  start("one", "ls -l /run/nucleus; exec sleep 1000",
        {"--health-sd-notify", "--rootfs", sandbox.home() + "/rootfs"});
  EXPECT_TRUE(says("one", "\nsrwxrwxrwx")) << logs("one");
  EXPECT_TRUE(fs::is_empty(sandbox.home() + "/rootfs/else"));
}

TEST_P(Notices, WhoSaysOnlyJunkIsNotReady) {
  const Ended late = sandbox.run(
      {"--detach", "--name", "one", "--readiness-sd-notify", "--readiness-timeout", "1s", "--",
       "sh", "-c",
       kTell + R"(tell READY=0 ready 'XREADY=1' '' "$(head -c 5000 /dev/zero | tr '\0' x)
READY=1"; sleep 1000)"});
  EXPECT_EQ(late.code, 125);
  EXPECT_THAT(late.err, AllOf(HasSubstr("--readiness-timeout"), HasSubstr("READY=1")));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Notices, HealthyWhileItSaysSo) {
  start("one", kTell + R"(
    echo usec=$WATCHDOG_USEC
    python3 -c '
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while not os.path.exists("/tmp/quiet"):
    s.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"])
    time.sleep(0.1)
'; sleep 1000)",
        {"--health-sd-notify", "--health-interval", "500ms", "--health-retries", "2",
         "--health-start-period", "0"});
  EXPECT_TRUE(eventually([&] { return about("one", "health.status") == "healthy"; }));
  EXPECT_TRUE(says("one", "usec=500000"));
  EXPECT_EQ(sandbox.call({"exec", "one", "touch", "/tmp/quiet"}).code, 0);
  EXPECT_TRUE(eventually([&] { return about("one", "health.status") == "unhealthy"; }));
  EXPECT_THAT(about("one", "health.output"), HasSubstr("WATCHDOG=1"));
  EXPECT_EQ(sandbox.call({"exec", "one", "sh", "-c", kTell + "tell WATCHDOG=1"}).code, 0);
  const auto events = [&] {
    return sandbox.call({"events", "--filter", "event=health_status"}).out;
  };
  EXPECT_TRUE(eventually([&] {
    const std::string told = events();
    return told.rfind("status=healthy") > told.find("status=unhealthy") &&
           told.rfind("status=healthy") != std::string::npos;
  })) << events();
}

TEST_P(Notices, OneThatFallsSilentIsKilledIfThatIsWanted) {
  start("one", "exec sleep 1000",
        {"--health-sd-notify", "--health-interval", "300ms", "--health-retries", "1",
         "--health-start-period", "0", "--health-action", "kill"});
  EXPECT_TRUE(becomes("one", "stopped"));
  EXPECT_EQ(about("one", "ending.reason"), "unhealthy");
}

TEST_P(Notices, MistakesAreRefused) {
  const auto refused = [&](std::vector<std::string> flags, const std::string& why) {
    flags.insert(flags.end(), {"--", "true"});
    const Ended ended = sandbox.run(flags);
    EXPECT_EQ(ended.code, 2) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr(why)) << ended.all();
  };
  const std::string ready = "--readiness-sd-notify";
  refused({ready}, "--detach");
  refused({"--detach", ready, "--readiness-tcp", "80"}, "one probe");
  refused({"--detach", "--health-sd-notify", "--health-tcp", "80"}, "one probe");
  refused({"--detach", ready, "--env", "NOTIFY_SOCKET=/x"}, "NOTIFY_SOCKET");
  refused({"--detach", ready, "--isolation", "landlock"}, ready);
  refused({"--detach", ready, "--tmpfs", "/run/nucleus"}, "/run/nucleus/notify");
  refused({"--detach", ready, "--volume", sandbox.home() + ":/run"}, "/run/nucleus/notify");
  refused({"--detach", "--health-sd-notify", "--health-timeout", "1s"}, "--health-interval");
  sandbox.env["NOTIFY_SOCKET"] = "/x";
  refused({"--detach", ready, "--env", "NOTIFY_SOCKET"}, "NOTIFY_SOCKET");
}

}  // namespace
}  // namespace nucleus::test
