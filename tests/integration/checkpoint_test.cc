// What `nucleus checkpoint` says and answers; the format itself is tested beside its source.
#include <filesystem>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

class Checkpoint : public ForEverybody {
 protected:
  Checkpoint() {
    sandbox.env["NUCLEUS_CHECKPOINT_HMAC_KEY_FILE"] = sandbox.home() + "/secret/key";
    place_ = sandbox.home() + "/checkpoint";
    sandbox.make_directory("checkpoint");
    std::filesystem::permissions(place_, std::filesystem::perms::owner_all);
  }
  [[nodiscard]] Ended verify(std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), "checkpoint");
    flags.insert(flags.end(), {"verify", place_});
    return sandbox.call(flags);
  }
  void write_key() const {
    sandbox.make_directory("secret");
    std::filesystem::permissions(sandbox.home() + "/secret", std::filesystem::perms::owner_all);
    std::string key;
    for (int byte = 0; byte < 32; ++byte) key += static_cast<char>(byte);
    sandbox.write("secret/key", key, 0600);
  }
  // The tree and the seal of the format's own example.
  void fill() const {
    sandbox.write("checkpoint/metadata.json", R"({"id":"abc"})", 0600);
    sandbox.make_directory("checkpoint/images");
    sandbox.write("checkpoint/images/pages-1.img", "snapshot", 0600);
    sandbox.write("checkpoint/checkpoint.hmac",
                  "172fdd038f0273b96792c617df19362c780443dbafce92c81d37541c6ffd11f4", 0600);
  }
  std::string place_;
};
INSTANTIATE_TEST_SUITE_P(As, Checkpoint, testing::ValuesIn(everybody()), name_of);

TEST_P(Checkpoint, WhatAnotherProgramHasSealedVerifies) {
  write_key();
  fill();
  const Ended good = verify();
  EXPECT_EQ(good.code, 0) << good.all();
  EXPECT_THAT(good.out, HasSubstr("as it was sealed, 2 files, 20 bytes"));
  const auto object = verify({"--json"}).json();
  EXPECT_EQ(object["good"], true);
  EXPECT_EQ(object["files"], 2);
  EXPECT_EQ(object["fault"], nullptr);

  sandbox.write("checkpoint/images/pages-1.img", "snapshoT", 0600);
  const Ended bad = verify();
  EXPECT_EQ(bad.code, 1) << bad.all();
  EXPECT_EQ(bad.out, "");
  EXPECT_THAT(bad.err, HasSubstr("HMAC mismatch"));
  const Ended told = verify({"--json"});
  EXPECT_EQ(told.code, 1);
  EXPECT_EQ(told.json()["good"], false);
  EXPECT_THAT(told.json()["fault"].get<std::string>(), HasSubstr("HMAC mismatch"));
}

TEST_P(Checkpoint, KeysAreMadeAndRotatedAndNeverByLooking) {
  fill();
  const Ended without = verify();
  EXPECT_EQ(without.code, 125) << without.all();
  EXPECT_THAT(without.err, HasSubstr("nucleus checkpoint key init"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.home() + "/secret"));
  EXPECT_EQ(sandbox.call({"checkpoint", "key", "rotate"}).code, 125);
  const Ended made = sandbox.call({"checkpoint", "key", "init"});
  EXPECT_EQ(made.code, 0) << made.all();
  EXPECT_EQ(made.out, sandbox.home() + "/secret/key\n");
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(sandbox.call({"checkpoint", "key", "init"}).err, HasSubstr("EEXIST"));

  write_key();
  EXPECT_EQ(verify().code, 0);
  const Ended rotated = sandbox.call({"checkpoint", "key", "rotate"});
  EXPECT_EQ(rotated.code, 0) << rotated.all();
  const Ended earlier = verify();
  EXPECT_EQ(earlier.code, 0) << earlier.all();
  EXPECT_THAT(earlier.out, HasSubstr("with the earlier key " + sandbox.home() + "/secret/key."));
}

TEST_P(Checkpoint, WhatIsMeantMustBeSaid) {
  write_key();
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "checkpoint");
    return sandbox.call(words).code;
  };
  EXPECT_EQ(code({}), 2);
  EXPECT_EQ(code({"verify"}), 2);
  EXPECT_EQ(code({"verify", place_, "more"}), 2);
  EXPECT_EQ(code({"verify", place_ + "/none"}), 2);
  EXPECT_EQ(code({"verify", sandbox.home() + "/secret/key"}), 2);
  EXPECT_EQ(code({"key", "forget"}), 2);
  EXPECT_EQ(code({"--help"}), 0);
}

// Where `make check` puts one that works on a new kernel.
constexpr const char* kCriu = "/var/cache/nucleus/criu/criu";

TEST_P(Checkpoint, TheRealCriuIsAskedWhatItCan) {
  if (!std::filesystem::exists(kCriu)) GTEST_SKIP() << "no CRIU at " << kCriu;
  const Ended asked = sandbox.call({"checkpoint", "criu", "--criu", kCriu});
  const auto object = sandbox.call({"checkpoint", "criu", "--criu", kCriu, "--json"}).json();
  EXPECT_THAT(asked.out, HasSubstr(std::string(kCriu) + ", version 4."));
  EXPECT_EQ(object["path"], kCriu);
  EXPECT_GE(object["features"].size(), 12U);
  if (sandbox.is_root()) {
    EXPECT_EQ(asked.code, 0) << asked.all();
    EXPECT_EQ(object["good"], true);
    EXPECT_EQ(object["reason"], nullptr);
    EXPECT_EQ(object["features"][0]["name"], "swrk");
    EXPECT_EQ(object["features"][0]["here"], true) << object["features"][0]["reason"];
  } else {
    EXPECT_EQ(asked.code, 1) << asked.all();
    EXPECT_EQ(object["good"], false);
    EXPECT_THAT(asked.err, HasSubstr("checkpoints need root"));
  }
}

TEST_P(Checkpoint, WhatIsNoCriuIsRefused) {
  const auto ask = [&](const std::string& program) {
    return sandbox.call({"checkpoint", "criu", "--criu", program});
  };
  EXPECT_EQ(ask("/no/such/program").code, 2);
  const Ended shell = ask("/bin/sh");
  EXPECT_EQ(shell.code, 125) << shell.all();
  EXPECT_THAT(shell.err, HasSubstr("ask for its version"));
  sandbox.write("script", "#!/bin/sh\necho Version: 4.9\n", 0755);
  const Ended script = ask(sandbox.home() + "/script");
  EXPECT_EQ(script.code, 2) << script.all();
  EXPECT_EQ(script.out, "");
}

}  // namespace
}  // namespace nucleus::test
