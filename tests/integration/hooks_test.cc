// Hooks of the OCI runtime-spec: --hooks.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Hooks : public ForEverybody {
 protected:
  void SetUp() override {
    // Below a directory that others may write to no program can be trusted, but for the sticky bit.
    script("tell", "#!/bin/sh\nread state; echo \"$1 $state\" >> " + sandbox.home() + "/log\n");
    script("fail", "#!/bin/sh\necho failing; exit 3\n");
    script("hang", "#!/bin/sh\nsleep 1000 & sleep 1000\n");
  }
  void script(const std::string& name, const std::string& text) { sandbox.write(name, text, 0755); }
  static nlohmann::json hook(const std::string& path, const std::string& word = "") {
    return {{"path", path}, {"args", {path, word}}};
  }
  std::string in(const std::string& name) const { return sandbox.home() + "/" + name; }
  Ended run(const nlohmann::json& hooks, std::vector<std::string> words) {
    sandbox.write("hooks.json", hooks.dump());
    words.insert(words.begin(), {"--hooks", in("hooks.json")});
    return sandbox.run(words);
  }
  std::string log() const {
    std::ifstream stream(in("log"));
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};
INSTANTIATE_TEST_SUITE_P(As, Hooks, testing::ValuesIn(everybody()), name_of);

TEST_P(Hooks, RunInTheirOrderAndAreToldTheState) {
  nlohmann::json hooks;
  for (const char* point : {"poststop", "poststart", "createRuntime", "prestart"})
    hooks[point] = {hook(in("tell"), point)};
  const Ended ended = run(hooks, {"--label", "a=b", "--json", "echo", "out"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  std::istringstream lines(log());
  std::vector<std::string> points;
  for (std::string line; std::getline(lines, line);) {
    points.push_back(line.substr(0, line.find(' ')));
    const auto state = nlohmann::json::parse(line.substr(line.find(' ')));
    EXPECT_EQ(state["id"], ended.json()["id"]);
    EXPECT_EQ(state["annotations"]["a"], "b");
    const bool over = points.back() == "poststop";
    EXPECT_EQ(state.contains("pid"), !over);
    EXPECT_EQ(state["status"], over                           ? "stopped"
                               : points.back() == "poststart" ? "running"
                                                              : "creating");
  }
  EXPECT_EQ(points,
            (std::vector<std::string>{"prestart", "createRuntime", "poststart", "poststop"}));
}

TEST_P(Hooks, OneThatFailsBeforeTheStartEndsIt) {
  const Ended ended = run({{"createRuntime", {hook(in("fail")), hook(in("tell"), "never")}},
                           {"poststop", {hook(in("tell"), "poststop")}}},
                          {"echo", "ran"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("createRuntime"), HasSubstr(in("fail")), HasSubstr("ended with 3")));
  EXPECT_THAT(log(), AllOf(HasSubstr("poststop"), Not(HasSubstr("never"))));
  EXPECT_TRUE(running_inits().empty());
}

TEST_P(Hooks, OneThatFailsLaterIsAWarning) {
  const Ended ended =
      run({{"poststart", {hook(in("fail"))}}, {"poststop", {hook(in("fail"))}}}, {"echo", "ran"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(ended.out, "ran\n");
  EXPECT_THAT(ended.err, AllOf(HasSubstr("poststart"), HasSubstr("poststop")));
}

TEST_P(Hooks, OneThatHangsIsKilledWithItsChildren) {
  auto slow = hook(in("hang"));
  slow["timeout"] = 1;
  const Ended ended = run({{"prestart", {slow}}}, {"echo", "ran"});
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("prestart"), HasSubstr("within 1 s")));
}

TEST_P(Hooks, WhatOthersCouldChangeIsRefused) {
  ASSERT_EQ(::chmod(in("tell").c_str(), 0777), 0);
  Ended ended = run({{"prestart", {hook(in("tell"))}}}, {"true"});
  EXPECT_EQ(ended.code, 2) << ended.all();
  EXPECT_THAT(ended.err, HasSubstr("others may write"));
  sandbox.make_directory("open");
  std::filesystem::copy_file(in("fail"), in("open/hook"));
  sandbox.own(in("open/hook"));
  ASSERT_EQ(::chmod(in("open").c_str(), 0777), 0);
  ended = run({{"prestart", {hook(in("open/hook"))}}}, {"true"});
  EXPECT_EQ(ended.code, 2) << ended.all();
  EXPECT_TRUE(sandbox.recorded().empty());
}

TEST_P(Hooks, MistakesAreNamedBeforeAnythingIsMade) {
  const std::vector<std::pair<nlohmann::json, std::string>> all = {
      {{{"createContainer", {hook(in("tell"))}}}, "inside the container"},
      {{{"startContainer", {hook(in("tell"))}}}, "inside the container"},
      {{{"prestrat", nlohmann::json::array()}}, "prestrat"},
      {{{"prestart", {{{"path", "relative"}}}}}, "absolute"},
      {{{"prestart", {{{"path", in("none")}}}}}, "none"},
      {{{"prestart", {{{"path", in("hooks.json")}}}}}, "may execute"},
      {{{"prestart", {{{"path", in("tell")}, {"timeout", 0}}}}}, "timeout"},
      {{{"prestart", {{{"path", in("tell")}, {"tiemout", 1}}}}}, "tiemout"},
      {nlohmann::json::array(), "JSON object"},
  };
  for (const auto& [hooks, says] : all) {
    const Ended ended = run(hooks, {"echo", "ran"});
    EXPECT_TRUE(ended.code == 2 || ended.code == 125) << ended.all();
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr(says));
  }
  EXPECT_EQ(log(), "");
}

}  // namespace
}  // namespace nucleus::test
