// Files into a container and out of it, and what a hostile container makes of that.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Cp : public ForEverybodysContainers {
 protected:
  [[nodiscard]] Ended cp(std::vector<std::string> words) const {
    words.insert(words.begin(), "cp");
    return sandbox.call(words);
  }
  [[nodiscard]] std::string home(const std::string& name) const {
    return sandbox.home() + "/" + name;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(home(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string inside(const std::string& script) const {
    const Ended ended = sandbox.call({"exec", "one", "sh", "-c", script});
    EXPECT_EQ(ended.code, 0) << ended.all();
    return ended.out;
  }
  // Starts "one" with this script behind it, and waits until that is done.
  void prepare(const std::string& script, const std::vector<std::string>& flags = {}) const {
    start("one", script + "; echo prepared; exec sleep 1000", flags);
    ASSERT_TRUE(says("one", "prepared"));
  }
};
INSTANTIATE_TEST_SUITE_P(As, Cp, testing::ValuesIn(everybody()), name_of);

TEST_P(Cp, ATreeGoesInAndComesOutAgain) {
  prepare("true");
  sandbox.make_directory("site");
  sandbox.make_directory("site/sub");
  sandbox.write("site/sub/page", "text", 0640);
  sandbox.write("site/run", "#!/bin/sh\necho ran\n", 0755);
  ASSERT_EQ(cp({home("site"), "one:/tmp"}).code, 0);
  EXPECT_EQ(
      inside("stat -c '%u:%g %a' /tmp/site/sub/page /tmp/site/sub; /tmp/site/run 2>&1 || true; "
             "sh /tmp/site/run"),
      inside("echo 0:0 640; echo 0:0 755; /tmp/site/run 2>&1 || true; echo ran"));
  ASSERT_EQ(cp({home("site") + "/.", "one:/tmp"}).code, 0);
  EXPECT_EQ(inside("cat /tmp/sub/page"), "text");
  ASSERT_EQ(cp({"one:/tmp/site", home("back")}).code, 0);
  EXPECT_EQ(read("back/sub/page"), "text");
  struct stat mine{}, theirs{};
  ASSERT_EQ(::stat(home("site").c_str(), &mine), 0);
  ASSERT_EQ(::stat(home("back/sub/page").c_str(), &theirs), 0);
  EXPECT_EQ(theirs.st_uid, sandbox.is_root() ? 0 : mine.st_uid);
  EXPECT_EQ(theirs.st_mode & 07777U, 0640U);
  // Into what is there it goes under its name.
  ASSERT_EQ(cp({"one:/tmp/site", home("back")}).code, 0);
  EXPECT_EQ(read("back/site/sub/page"), "text");
}

TEST_P(Cp, OneFileByAnyName) {
  prepare("mkdir /tmp/d; ln -s d /tmp/link; echo there > /tmp/d/old; ln -s old /tmp/d/alias");
  sandbox.write("file", "text");
  ASSERT_EQ(cp({home("file"), "one:/tmp/link"}).code, 0);
  ASSERT_EQ(cp({home("file"), "one:/tmp/d/new"}).code, 0);
  ASSERT_EQ(cp({home("file"), "one:tmp/d/alias"}).code, 0);  // what it points to is written
  EXPECT_EQ(inside("cat /tmp/d/file /tmp/d/new /tmp/d/old; readlink /tmp/d/alias"),
            "texttexttextold\n");
  ASSERT_EQ(cp({"one:/tmp/d/alias", home("alias")}).code, 0);
  EXPECT_EQ(fs::read_symlink(home("alias")), "old");
  ASSERT_EQ(cp({"-L", "one:/tmp/d/alias", home("target")}).code, 0);
  EXPECT_EQ(read("target"), "text");
}

TEST_P(Cp, StreamsOfTar) {
  prepare("mkdir -p /tmp/d/sub; echo text > /tmp/d/sub/file");
  const Ended out = cp({"one:/tmp/d", "-"});
  ASSERT_EQ(out.code, 0) << out.err;
  EXPECT_THAT(out.out, AllOf(HasSubstr("d/sub/file"), HasSubstr("ustar")));
  inside("mkdir /tmp/to");
  sandbox.stdin_text = out.out;
  const Ended in = cp({"-", "one:/tmp/to"});
  ASSERT_EQ(in.code, 0) << in.all();
  EXPECT_EQ(inside("cat /tmp/to/d/sub/file"), "text\n");
  const Ended file = cp({"-", "one:/tmp/d/sub/file"});
  EXPECT_EQ(file.code, 2) << file.all();
  sandbox.stdin_text = std::string(2000, 'x');
  const Ended none = cp({"-", "one:/tmp/to"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("tar archive"));
}

TEST_P(Cp, OwnersAreKeptWhenAskedFor) {
  prepare("echo text > /tmp/file; chmod 4755 /tmp/file");
  ASSERT_EQ(cp({"-a", "one:/tmp/file", home("file")}).code, sandbox.is_root() ? 0 : 125);
  if (!sandbox.is_root()) return;  // the ids of another are not its to give
  struct stat info{};
  ASSERT_EQ(::stat(home("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U);  // no set-id program of a container's on the host
  ASSERT_EQ(::chown(home("file").c_str(), 1000, 1001), 0);
  ASSERT_EQ(cp({"-a", home("file"), "one:/tmp/owned"}).code, 0);
  EXPECT_EQ(inside("stat -c %u:%g /tmp/owned"), "1000:1001\n");
  ASSERT_EQ(::chown(home("file").c_str(), 4'000'000'000U, 0), 0);
  const Ended none = cp({"-a", home("file"), "one:/tmp/none"});
  EXPECT_EQ(none.code, 125);
  EXPECT_THAT(none.err, HasSubstr("no such id"));
  EXPECT_EQ(inside("ls -A /tmp"), "file\nowned\n");
}

TEST_P(Cp, ErrorsSayWhatAndWhere) {
  prepare("mkfifo /tmp/fifo");
  sandbox.write("file", "text");
  const auto expect = [&](const std::vector<std::string>& words, int code,
                          const std::string& text) {
    const Ended ended = cp(words);
    EXPECT_EQ(ended.code, code) << ended.all();
    EXPECT_THAT(ended.err, HasSubstr(text));
  };
  expect({"one:/none", home("x")}, 2, "/none");
  expect({home("none"), "one:/tmp"}, 2, "none");
  expect({home("file"), "one:/tmp/none/"}, 2, "make it first");
  expect({home("file"), "one:/tmp/none/x"}, 2, "one:/tmp/none/x");
  expect({home("file"), "one:/usr/bin/x"}, 125, "read-only");
  expect({home("file"), home("other")}, 2, "CONTAINER:PATH");
  expect({"one:/tmp/a", "one:/tmp/b"}, 2, "two containers");
  expect({"one:/tmp/fifo", home("x")}, 2, "FIFO");
  expect({"one:/proc", home("x")}, 2, "kernel");
  expect({"one:/dev/null", home("x")}, 2, "device");
  expect({"none:/tmp", home("x")}, 2, "'none'");
  EXPECT_FALSE(fs::exists(home("x")));
  EXPECT_EQ(sandbox.call({"kill", "one"}).code, 0);
  ASSERT_TRUE(becomes("one", "stopped"));
  expect({"one:/tmp", home("x")}, 2, "does not run");
}

TEST_P(Cp, AlsoIntoOneThatIsOnlyCreated) {
  ASSERT_EQ(sandbox.call({"create", "--name", "one", "--", "cat", "/tmp/file"}).code, 0);
  sandbox.write("file", "text\n");
  ASSERT_EQ(cp({home("file"), "one:/tmp"}).code, 0);
  EXPECT_EQ(sandbox.call({"start", "one"}).code, 0);
  EXPECT_TRUE(says("one", "text"));
}

TEST_P(Cp, LinksOfTheContainersLeadToNothingOfTheHosts) {
  sandbox.write("secret", "of the host");
  const std::string secret = home("secret");
  prepare("mkdir /tmp/d; ln -s " + secret +
          " /tmp/d/link; ln -s / /tmp/root; ln -s ../../../../../.. /tmp/up; "
          "ln -s /etc/shadow /tmp/shadow");
  // Copied as what it is, and looked up inside when it is to be followed.
  ASSERT_EQ(cp({"one:/tmp/d", home("d")}).code, 0);
  EXPECT_EQ(fs::read_symlink(home("d/link")), secret);
  const std::vector<std::string> paths = {"/tmp/d/link", "/tmp/root" + secret, "/tmp/up" + secret,
                                          "/tmp/shadow"};
  for (const std::string& path : paths) {
    const Ended ended = cp({"-L", "one:" + path, home("x")});
    EXPECT_EQ(ended.code, 2) << path << ended.all();
    EXPECT_FALSE(fs::exists(home("x")));
  }
  sandbox.write("file", "new");
  EXPECT_NE(cp({home("file"), "one:/tmp/d/link"}).code, 0);
  EXPECT_NE(cp({home("file"), "one:/tmp/up" + secret}).code, 0);
  EXPECT_EQ(read("secret"), "of the host");
}

TEST_P(Cp, NorIsALinkFollowedThatAContainerLaidOnTheHost) {
  sandbox.make_directory("shared");
  sandbox.write("precious", "of the host");
  prepare("ln -s " + home("precious") + " /shared/out; ln -s " + sandbox.home() +
              " /shared/dir; "
              "echo evil > /tmp/evil; mkdir /tmp/t; echo evil > /tmp/t/out; mkdir /tmp/t/dir; echo "
              "evil > /tmp/t/dir/precious",
          {"-v", home("shared") + ":/shared:rw"});
  // Below the destination never.
  EXPECT_NE(cp({"one:/tmp/t/.", home("shared")}).code, 0);
  EXPECT_EQ(read("precious"), "of the host");
  fs::remove(home("shared/out"));
  inside("ln -s " + home("precious") + " /shared/out");
  // On the way to it, when it is another's. An ordinary user's own id may be the container's.
  if (!sandbox.is_root()) return;
  struct stat info{};
  ASSERT_EQ(::lstat(home("shared/out").c_str(), &info), 0);
  if (info.st_uid == 0) {
    ASSERT_EQ(::lchown(home("shared/out").c_str(), 123456, 123456), 0);
  }
  const Ended ended = cp({"one:/tmp/evil", home("shared/out")});
  EXPECT_EQ(ended.code, 2) << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("another user's"));
  EXPECT_EQ(read("precious"), "of the host");
}

TEST_P(Cp, ATreeThatChangesAllTheTimeNeitherLeadsAwayNorHangs) {
  sandbox.write("secret", "of the host");
  const std::string secret = home("secret");
  start("one",
        "mkdir /tmp/t; cd /tmp/t; echo running; while :; do echo text > a; rm -rf a; mkfifo a; rm "
        "-f a; "
        "ln -s " +
            secret + " a; rm -f a; mkdir a; echo x > a/x; rm -rf a; ln -s / a; rm -f a; done");
  ASSERT_TRUE(says("one", "running"));
  for (int round = 0; round < 40; ++round) {
    const std::string name = "copy" + std::to_string(round);
    (void)cp({"-q", "one:/tmp/t", home(name)});  // or an error: it may change at any moment
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(home(name), none)) {
      EXPECT_TRUE(entry.is_symlink() || entry.is_directory() || entry.is_regular_file())
          << entry.path();
      if (!entry.is_symlink() && entry.is_regular_file()) {
        std::ifstream file(entry.path());
        EXPECT_THAT(std::string(std::istreambuf_iterator<char>(file), {}),
                    Not(HasSubstr("of the host")));
      }
    }
  }
  sandbox.make_directory("in");
  sandbox.make_directory("in/a");
  sandbox.write("in/a/secret", "new");
  for (int round = 0; round < 20; ++round) (void)cp({home("in") + "/.", "one:/tmp/t"});
  EXPECT_EQ(read("secret"), "of the host");
}

TEST_P(Cp, TreesWithoutEndHaveOne) {
  prepare(
      "truncate -s 7E /tmp/sparse 2>/dev/null || truncate -s 1T /tmp/sparse; mkdir /tmp/deep; cd "
      "/tmp/deep; "
      "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done");
  const Ended sparse = cp({"one:/tmp/sparse", home("sparse")});
  EXPECT_EQ(sparse.code, 125) << sparse.all();
  EXPECT_THAT(sparse.err, HasSubstr("holes"));
  const Ended deep = cp({"one:/tmp/deep", home("deep")});
  EXPECT_EQ(deep.code, 125) << deep.all();
  EXPECT_THAT(deep.err, HasSubstr("256"));
}

TEST_P(Cp, WhatIsBrokenOffLeavesNoPieces) {
  prepare("truncate -s 60G /tmp/large; mkdir /tmp/to");
  sandbox.make_directory("to");
  const auto pieces = [&] { return !fs::is_empty(home("to")); };
  {
    Running out = sandbox.start({"cp", "one:/tmp/large", home("to")});
    ASSERT_TRUE(eventually(pieces));
    out.send(SIGTERM);
    EXPECT_NE(out.wait().code, 0);
  }
  EXPECT_TRUE(fs::is_empty(home("to")));
  sandbox.write("large", "");
  fs::resize_file(home("large"), 60ULL << 30);
  {
    Running in = sandbox.start({"cp", home("large"), "one:/tmp/to"});
    ASSERT_TRUE(eventually([&] { return inside("ls -A /tmp/to") != ""; }));
    in.send(SIGKILL);
    in.wait();
  }
  EXPECT_TRUE(eventually([&] { return inside("ls -A /tmp/to") == ""; }));
}

}  // namespace
}  // namespace nucleus::test
