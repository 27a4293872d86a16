// What a container has changed of its --rootfs.
#include <signal.h>

#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

NUCLEUS_LIVE_SUITE(Diff);

TEST_P(Diff, WhatIsAddedChangedAndDeleted) {
  const std::string root = sandbox.home() + "/rootfs";
  for (const char* name : {"rootfs", "rootfs/bin", "rootfs/etc", "rootfs/data", "rootfs/data/gone"})
    sandbox.make_directory(name);
  fs::copy_file("/bin/busybox", root + "/bin/busybox");
  sandbox.own(root + "/bin/busybox");
  fs::create_symlink("busybox", root + "/bin/sh");
  for (const char* name :
       {"rootfs/etc/conf", "rootfs/data/kept", "rootfs/data/gone/x", "rootfs/data/owner"})
    sandbox.write(name, "text");
  sandbox.make_directory("shared");
  const auto diff = [&] { return sandbox.call({"diff", "one"}); };
  start("one",
        "read a; echo new > /data/new; echo more >> /etc/conf; busybox rm -r /data/gone; busybox "
        "mkdir -p /a/b; "
        "busybox chmod 600 /data/owner; echo x > /tmp/x; echo x > /shared/x; echo done; "
        "while :; do busybox sleep 1; done",
        {"--rootfs", root, "-v", sandbox.home() + "/shared:/shared:rw", "-i"});
  const Ended before = diff();
  EXPECT_EQ(before.code, 0) << before.all();
  EXPECT_EQ(before.out, "");
  sandbox.stdin_text = "go\n";
  {
    Running front = sandbox.start({"attach", "--sig-proxy=false", "one"});
    ASSERT_TRUE(front.wait_for("done"));
    front.send(SIGTERM);
    front.wait();
  }
  const Ended after = diff();
  EXPECT_EQ(after.code, 0) << after.all();
  EXPECT_EQ(after.out,
            "A /a\nA /a/b\nC /data\nD /data/gone\nA /data/new\nC /data/owner\nC /etc\nC "
            "/etc/conf\nA /tmp\nA /tmp/x\n");
}

TEST_P(Diff, WhereNothingCanChangeThatIsSaid) {
  start("one", "exec sleep 1000");
  const Ended ended = sandbox.call({"diff", "one"});
  EXPECT_EQ(ended.code, 2) << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("nothing of its root can change"));
}

}  // namespace
}  // namespace nucleus::test
