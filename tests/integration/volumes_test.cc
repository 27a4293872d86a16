// Who owns what on volumes: inside, and on the host afterwards.
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

NUCLEUS_SUITE(Volumes);

std::string owner_of(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return "none";
  return std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid);
}

TEST_P(Volumes, FilesKeepTheirOwnersBothWays) {
  if (!sandbox.is_root()) GTEST_SKIP() << "an ordinary user owns nothing but his own";
  sandbox.make_directory("d");
  const std::string dir = sandbox.home() + "/d";
  sandbox.write("d/file", "x", 0640);
  ASSERT_EQ(::chown((dir + "/file").c_str(), 1000, 1001), 0);
  fs::permissions(dir, fs::perms(01777));
  const std::string show = "stat -c %u:%g /v/file; cat /v/file; echo; ";
  Ended ended = sandbox.sh(show + "echo y > /v/mine; stat -c %u:%g /v/mine",
                           {"-v", dir + ":/v:rw", "-u", "1000:1001"});
  EXPECT_EQ(ended.out, "1000:1001\nx\n1000:1001\n") << ended.all();
  EXPECT_EQ(owner_of(dir + "/mine"), "1000:1001");
  // Another one is refused what is not his, and so is root inside, who has no capabilities.
  ended = sandbox.sh("cat /v/file", {"-v", dir + ":/v", "-u", "1002"});
  EXPECT_EQ(ended.code, 1) << ended.all();
  ended = sandbox.sh("cat /v/file; echo > /v/mine; echo z > /v/roots", {"-v", dir + ":/v:rw"});
  EXPECT_THAT(ended.err, AllOf(HasSubstr("/v/file"), HasSubstr("/v/mine")));
  EXPECT_EQ(owner_of(dir + "/roots"), "0:0");
  EXPECT_EQ(owner_of(dir + "/mine"), "1000:1001");
}

TEST_P(Volumes, AUsersOwnFilesAreTheContainersRoots) {
  if (sandbox.is_root()) GTEST_SKIP() << "root's volumes show every owner";
  sandbox.make_directory("d");
  sandbox.write("d/file", "x", 0600);
  const std::string dir = sandbox.home() + "/d";
  const Ended ended = sandbox.sh("stat -c %u:%g /v/file; echo y > /v/mine; stat -c %u:%g /v/mine",
                                 {"-v", dir + ":/v:rw"});
  EXPECT_EQ(ended.out, "0:0\n0:0\n") << ended.all();
  EXPECT_EQ(owner_of(dir + "/mine"), owner_of(dir + "/file"));
  const Ended mapped = sandbox.run({"--mount", "source=" + dir + ",target=/v,idmap=yes", "true"});
  EXPECT_EQ(mapped.code, 2) << mapped.all();
  EXPECT_THAT(mapped.err, AllOf(HasSubstr("idmap=yes"), HasSubstr("root")));
}

TEST_P(Volumes, SetIdBitsAndDeviceNodesGainNothing) {
  sandbox.make_directory("d");
  const std::string dir = sandbox.home() + "/d";
  fs::copy_file("/bin/busybox", dir + "/id");
  sandbox.own(dir + "/id");
  ASSERT_EQ(::chmod((dir + "/id").c_str(), 06755), 0);
  std::vector<std::string> flags = {"-v", dir + ":/v"};
  if (sandbox.is_root()) {
    ASSERT_EQ(::mknod((dir + "/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
    ASSERT_EQ(::chmod((dir + "/zero").c_str(), 0666), 0);
    flags.insert(flags.end(), {"-u", "1000"});
  }
  const Ended ended = sandbox.sh("/v/id -u; head -c 1 /v/zero", flags);
  EXPECT_THAT(ended.out, testing::StartsWith(sandbox.is_root() ? "1000\n" : "0\n"));
  EXPECT_NE(ended.code, 0) << ended.all();
  EXPECT_TRUE(ended.out == "1000\n" || ended.out == "0\n") << ended.all();
}

// proc takes no idmapped mounts, on any kernel yet.
TEST_P(Volumes, AFileSystemThatCannotKeepOwnersNeedsAWord) {
  if (!sandbox.is_root()) GTEST_SKIP() << "an ordinary user's volumes are not mapped";
  const Ended ended = sandbox.run({"-v", "/proc/sys/kernel:/k", "true"});
  EXPECT_EQ(ended.code, 125) << ended.all();
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--volume /proc/sys/kernel:/k"), HasSubstr("idmap=no")));
  const std::string source = "type=bind,source=/proc/sys/kernel,target=/k";
  EXPECT_EQ(sandbox.run({"--mount", source + ",idmap=yes", "true"}).code, 125);
  const Ended nobody =
      sandbox.run({"--json", "--mount", source + ",idmap=no", "stat", "-c", "%u", "/k/ostype"});
  EXPECT_THAT(nobody.out, testing::StartsWith("65534\n")) << nobody.all();
  EXPECT_THAT(testing::PrintToString(nobody.json()["notes"]), HasSubstr("idmap=no"));
  EXPECT_EQ(sandbox.run({"--mount", "type=tmpfs,target=/k,idmap=no", "true"}).code, 2);
}

TEST_P(Volumes, ANamedOneIsKeptUntilItIsRemoved) {
  sandbox.env["NUCLEUS_DATA_DIR"] = sandbox.home();
  const Ended first = sandbox.sh("echo 1 >> /c/log; cat /c/log; stat -c %u:%a /c", {"-v", "c:/c"});
  EXPECT_EQ(first.out, "1\n0:700\n") << first.all();
  EXPECT_EQ(
      sandbox.sh("echo 2 >> /c/log; cat /c/log", {"--mount", "type=volume,source=c,target=/c"}).out,
      "1\n2\n");
  const Ended ro = sandbox.sh("cat /c/log; echo 3 >> /c/log", {"-v", "c:/c:ro"});
  EXPECT_EQ(ro.out, "1\n2\n");
  EXPECT_THAT(ro.err, HasSubstr("Read-only"));
  EXPECT_EQ(sandbox.call({"volume", "ls", "-q"}).out, "c\n");
  const auto info = nlohmann::json::parse(sandbox.call({"volume", "inspect", "c"}).out);
  EXPECT_EQ(info[0]["path"], sandbox.home() + "/volumes/c/data");
  EXPECT_EQ(info[0]["in_use"], false);
  EXPECT_EQ(sandbox.call({"volume", "rm", "c"}).out, "c\n");
  EXPECT_FALSE(fs::exists(sandbox.home() + "/volumes/c"));
  EXPECT_EQ(sandbox.call({"volume", "rm", "c"}).code, 125);
  EXPECT_EQ(sandbox.call({"volume", "rm", "../c"}).code, 2);
}

TEST_P(Volumes, ANamedOneInUseCannotBeRemoved) {
  sandbox.env["NUCLEUS_DATA_DIR"] = sandbox.home();
  Running running = sandbox.start({"run", "-v", "c:/c", "sh", "-c", "echo up; sleep 300"});
  ASSERT_TRUE(running.wait_for("up"));
  const Ended removed = sandbox.call({"volume", "rm", "c"});
  EXPECT_EQ(removed.code, 125);
  EXPECT_THAT(removed.err, HasSubstr("uses it"));
  EXPECT_THAT(sandbox.call({"volume", "ls", "--json"}).out, HasSubstr("\"in_use\":true"));
  EXPECT_EQ(sandbox.call({"volume", "prune", "--force"}).out, "");
  running.send(SIGKILL);
  running.wait();
  EXPECT_TRUE(eventually([&] { return sandbox.call({"volume", "rm", "c"}).code == 0; }));
  EXPECT_EQ(sandbox.call({"prune"}).code, 0);
}

TEST_P(Volumes, ANewOneBelongsToTheContainersUserAndGoesWithAFailedStart) {
  sandbox.env["NUCLEUS_DATA_DIR"] = sandbox.home();
  EXPECT_EQ(sandbox.run({"-v", "c:/c", "no-such-program"}).code, 127);
  EXPECT_EQ(sandbox.run({"--dry-run", "-v", "c:/c", "true"}).code, 0);
  EXPECT_EQ(sandbox.call({"volume", "ls", "-q"}).out, "");
  const Ended ended =
      sandbox.sh("echo x > /c/x && stat -c %u:%g:%a /c /c/x", {"-u", "1000:1001", "-v", "c:/c"});
  EXPECT_EQ(ended.out, "1000:1001:700\n1000:1001:644\n") << ended.all();
  const Ended asked = sandbox.call({"volume", "prune"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("--force"));
  EXPECT_EQ(sandbox.sh("rm /c/x", {"-u", "1000:1001", "-v", "c:/c"}).code, 0);
  EXPECT_EQ(sandbox.call({"volume", "prune", "--force"}).out, "c\n");
}

// Who can write there could put a link to the host's files in the place of a volume.
TEST_P(Volumes, APlaceThatOthersMayWriteToIsRefused) {
  sandbox.env["NUCLEUS_DATA_DIR"] = sandbox.home();
  sandbox.make_directory("volumes");
  ASSERT_EQ(::chmod((sandbox.home() + "/volumes").c_str(), 0777), 0);
  const Ended ended = sandbox.run({"-v", "c:/c", "true"});
  EXPECT_EQ(ended.code, 125) << ended.all();
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--volume c:/c"), HasSubstr("nobody else")));
  fs::permissions(sandbox.home() + "/volumes", fs::perms(0755));
  fs::create_directory_symlink("/etc", sandbox.home() + "/volumes/c");
  EXPECT_EQ(sandbox.run({"-v", "c:/c", "true"}).code, 125);
}

}  // namespace
}  // namespace nucleus::test
