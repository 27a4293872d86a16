// A state root that is full, cannot be written, or holds what nobody can read.
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "live/live.h"

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

NUCLEUS_LIVE_SUITE(StateRoots);

// A file system of this size at the state root, for as long as this lives.
class Small {
 public:
  Small(const Sandbox& sandbox, const char* options) : path_(sandbox.state()) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
    if (mounted_) sandbox.own(path_);
  }
  Small(const Small&) = delete;
  Small& operator=(const Small&) = delete;
  ~Small() {
    // A supervisor on its way out may still have its log open.
    EXPECT_TRUE(!mounted_ || eventually([&] { return ::umount(path_.c_str()) == 0; }));
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  // Takes all that is left, until free() is called.
  void fill() const {
    std::ofstream file(path_ + "/fill");
    const std::string some(4096, 'x');
    while (file.write(some.data(), 4096) && file.flush()) {
    }
  }
  void free() const { fs::remove(path_ + "/fill"); }
  [[nodiscard]] bool read_only() const {
    return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
  }
  [[nodiscard]] bool writable() const {
    return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_P(StateRoots, NothingStartsOnAFullOneAndNothingIsLost) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts the small file system of this test";
  const Small small(sandbox, "size=256k,mode=700");
  ASSERT_TRUE(small.mounted());
  start("old", "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done");
  ASSERT_TRUE(says("old", "up"));
  ASSERT_EQ(sandbox.call({"create", "--name", "made", "--", "true"}).code, 0);
  small.fill();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--detach", "--name", "new", "--", "sleep", "1000"},
        {"create", "--name", "new", "--", "sleep", "1000"}}) {
    const Ended refused = sandbox.call(words);
    EXPECT_NE(refused.code, 0);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("ENOSPC"), HasSubstr(sandbox.state() + "/containers/"),
                                   HasSubstr("make room there")));
  }
  const Ended renamed = sandbox.call({"rename", "made", "other"});
  EXPECT_NE(renamed.code, 0);
  EXPECT_THAT(renamed.err, HasSubstr("ENOSPC"));
  // What was there before is looked at, entered and ended as ever.
  EXPECT_THAT(sandbox.call({"ps", "--all"}).out,
              AllOf(HasSubstr("old"), HasSubstr("made"), Not(HasSubstr("new"))));
  EXPECT_EQ(sandbox.call({"exec", "old", "sh", "-c", "exit 5"}).code, 5);
  EXPECT_EQ(sandbox.call({"stop", "old"}).code, 0);
  EXPECT_TRUE(becomes("old", "stopped"));
  EXPECT_EQ(about("old", "ending.code"), "3");
  small.free();
  EXPECT_EQ(sandbox.call({"start", "made"}).code, 0);
  EXPECT_EQ(sandbox.call({"rm", "--force", "old", "made"}).code, 0);
  start("new", "sleep 1000");
  EXPECT_EQ(sandbox.call({"rm", "--force", "new"}).code, 0);
}

TEST_P(StateRoots, NothingStartsOnOneThatCannotBeWritten) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts the file system of this test";
  const Small small(sandbox, "mode=700");
  ASSERT_TRUE(small.mounted());
  ASSERT_EQ(sandbox.call({"create", "--name", "made", "--", "true"}).code, 0);
  ASSERT_EQ(sandbox.call({"rm", "--force", "made"}).code, 0);
  ASSERT_TRUE(small.read_only());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--detach", "--", "sleep", "1000"},
        {"create", "--", "sleep", "1000"},
        {"run", "--", "true"}}) {
    const Ended refused = sandbox.call(words);
    EXPECT_NE(refused.code, 0) << refused.all();
    EXPECT_THAT(refused.err,
                AllOf(HasSubstr("EROFS"), HasSubstr(sandbox.state()), HasSubstr("--root")));
  }
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
  EXPECT_TRUE(small.writable());
}

TEST_P(StateRoots, WhatNobodyCanReadIsNamedAndTheOthersGoOn) {
  const std::vector<std::string> broken = {"cut", "junk", "newer", "directory"};
  for (const std::string& name : broken) start(name, "sleep 1000");
  start("whole", "sleep 1000");
  for (const std::string& name : broken) {
    const std::string file = directory(name) + "/record.json";
    if (name == "cut") {
      fs::resize_file(file, 40);
    } else if (name == "junk") {
      std::ofstream(file, std::ios::trunc) << "junk";
    } else if (name == "newer") {
      std::ofstream(file, std::ios::trunc) << R"({"version":99})";
    } else {
      fs::remove(file);
      fs::create_directory(file);
    }
  }
  const Ended listed = sandbox.call({"ps"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("whole"), HasSubstr("unreadable")));
  for (const std::string& name : broken) {
    const Ended looked = sandbox.call({"inspect", name});
    EXPECT_NE(looked.code, 0) << name;
    EXPECT_THAT(looked.err, HasSubstr("/record.json"));
    EXPECT_THAT(listed.err, HasSubstr(looked.err)) << name;
    EXPECT_NE(sandbox.call({"start", name}).code, 0) << name;
    EXPECT_NE(sandbox.call({"rm", name}).code, 0) << name;
  }
  EXPECT_THAT(sandbox.call({"inspect", "newer"}).err, HasSubstr("newer nucleus"));
  EXPECT_EQ(sandbox.call({"exec", "whole", "true"}).code, 0);
  EXPECT_EQ(sandbox.call({"stop", "--time", "0", "whole"}).code, 0);
  for (const std::string& name : broken) {
    const Ended removed = sandbox.call({"rm", "--force", name});
    EXPECT_EQ(removed.code, 0) << name << removed.all();
  }
  EXPECT_EQ(sandbox.call({"rm", "whole"}).code, 0);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

// What a machine that was switched off leaves: records in a living state that nobody holds, and
// numbers of processes that are somebody else's by now.
TEST_P(StateRoots, AfterARebootNothingRunsAndEverythingCanBeStartedAgain) {
  start("old", "sleep 1000");
  const std::string file = directory("old") + "/record.json";
  std::string text;
  {
    std::ifstream in(file);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string kept = directory("old");
  const std::string copy = sandbox.home() + "/copy";
  fs::create_directory(copy);
  for (const std::string name : {"record.json", "spec.json", "lock", "log.json"})
    fs::copy(fs::path(kept) / name, fs::path(copy) / name);
  ASSERT_EQ(sandbox.call({"rm", "--force", "old"}).code, 0);
  // As it lay on the disk, with this test's process in the place of the container's.
  for (const std::string member : {"\"pid\":", "\"supervisor\":"}) {
    const std::size_t at = text.find(member);
    ASSERT_NE(at, std::string::npos);
    const std::size_t begin = at + member.size();
    text.replace(begin, text.find(',', begin) - begin, std::to_string(::getpid()));
  }
  fs::copy(copy, kept);
  std::ofstream(kept + "/record.json", std::ios::trunc) << text;
  sandbox.own(kept);
  for (const auto& entry : fs::directory_iterator(kept)) sandbox.own(entry.path());
  fs::remove_all(copy);
  const std::string id = fs::path(kept).filename();
  EXPECT_THAT(sandbox.call({"ps", "--all"}).out, HasSubstr("lost"));
  EXPECT_EQ(sandbox.call({"ps", "--quiet"}).out, "");
  EXPECT_NE(sandbox.call({"exec", id, "true"}).code, 0);
  const Ended started = sandbox.call({"start", id});
  EXPECT_EQ(started.code, 0) << started.all();
  EXPECT_EQ(sandbox.call({"exec", id, "true"}).code, 0);
  EXPECT_EQ(sandbox.call({"rm", "--force", id}).code, 0);
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

}  // namespace
}  // namespace nucleus::test
