// Probes: whether a container is healthy, whether it is ready, and what becomes of it if not.
#include <signal.h>

#include <filesystem>

#include "live/live.h"

namespace nucleus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kServer =
    "import http.server, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "  def do_GET(self):\n"
    "    self.send_response(200 if self.path == '/good?x=1' else 503)\n"
    "    self.end_headers()\n"
    "print('up', flush=True)\n"
    "http.server.HTTPServer(('127.0.0.1', 8080), H).serve_forever()\n";

class Health : public ForEverybodysContainers {
 protected:
  [[nodiscard]] bool is(const std::string& name, const std::string& status) const {
    return eventually([&] { return about(name, "health.status") == status; });
  }
  // How often this is in the list of the container's processes.
  [[nodiscard]] std::size_t processes(const std::string& name, const std::string& word) const {
    const std::string list = sandbox.call({"exec", name, "ps", "ax"}).out;
    std::size_t count = 0;
    for (std::size_t at = list.find(word); at != std::string::npos; at = list.find(word, at + 1))
      ++count;
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(As, Health, testing::ValuesIn(everybody()), name_of);

TEST_P(Health, FromStartingToHealthyAndBack) {
  start("one", "exec sleep 1000",
        {"--health-cmd", "echo looked at; test -e /tmp/good", "--health-interval", "100ms",
         "--health-start-period", "1h", "--health-retries", "2"});
  EXPECT_TRUE(eventually([&] { return about("one", "health.output") == "looked at"; }));
  EXPECT_EQ(about("one", "health.status"), "starting");
  EXPECT_THAT(sandbox.call({"ps"}).out, HasSubstr("running (starting)"));
  ASSERT_EQ(sandbox.call({"exec", "one", "touch", "/tmp/good"}).code, 0);
  EXPECT_TRUE(is("one", "healthy"));
  EXPECT_EQ(about("one", "health.failures"), "0");
  // After the first success failures count, also in the start period.
  ASSERT_EQ(sandbox.call({"exec", "one", "rm", "/tmp/good"}).code, 0);
  EXPECT_TRUE(is("one", "unhealthy"));
  EXPECT_THAT(sandbox.call({"ps"}).out, HasSubstr("running (unhealthy)"));
  EXPECT_EQ(about("one", "status"), "running");
  ASSERT_EQ(sandbox.call({"exec", "one", "touch", "/tmp/good"}).code, 0);
  EXPECT_TRUE(is("one", "healthy"));
  const std::string events = sandbox.call({"events", "--filter", "event=health_status"}).out;
  EXPECT_THAT(events, AllOf(HasSubstr("status=starting"), HasSubstr("status=healthy"),
                            HasSubstr("status=unhealthy")));
}

TEST_P(Health, ItLooksAsTheWorkloadFromInside) {
  start("one", "exec sleep 1000",
        {"--user", "1000:1001", "-e", "A=b", "--hostname", "inside", "--health-interval", "100ms",
         "--health-cmd", "echo $(id -u):$(id -g) $A $(hostname) $(grep CapEff /proc/self/status)"});
  EXPECT_TRUE(is("one", "healthy"));
  EXPECT_EQ(about("one", "health.output"), "1000:1001 b inside CapEff: 0000000000000000");
}

TEST_P(Health, OneThatHangsIsKilledWithAllOfItAndNothingPilesUp) {
  start("one", "exec sleep 1000",
        {"--health-cmd", "sleep 777 & sleep 778 & echo hanging; sleep 779", "--health-interval",
         "100ms", "--health-timeout", "200ms", "--health-start-period", "0", "--health-retries",
         "4"});
  EXPECT_TRUE(is("one", "unhealthy"));
  EXPECT_THAT(about("one", "health.output"), HasSubstr("hanging"));
  // One that was killed may still be seen beside the next.
  EXPECT_TRUE(eventually([&] { return processes("one", "sleep 777") <= 1; }));
  // What one leaves behind that does end goes as well.
  start("two", "exec sleep 1000",
        {"--health-cmd", "sleep 777 & true", "--health-interval", "100ms"});
  EXPECT_TRUE(is("two", "healthy"));
  ASSERT_TRUE(eventually([&] { return processes("two", "sleep 777") == 0; }));
  EXPECT_EQ(processes("two", "sleep 1000"), 1U);
}

TEST_P(Health, OutputIsBoundedAndFitForATerminal) {
  start("one", "exec sleep 1000",
        {"--health-cmd", "printf '\\033[31m\\377'; head -c 300000 /dev/zero | tr '\\0' x",
         "--health-interval", "100ms"});
  EXPECT_TRUE(is("one", "healthy"));
  const std::string output = about("one", "health.output");
  EXPECT_TRUE(output.starts_with("?[31m"));
  EXPECT_GT(output.size(), 4000U);
  EXPECT_LE(output.size(), 4100U);
}

TEST_P(Health, PortsAndUrlsOfItsOwnNetwork) {
  const auto served = [&](const std::string& name, const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"run",
                                      "-d",
                                      "--name",
                                      name,
                                      "--health-interval",
                                      "100ms",
                                      "--health-start-period",
                                      "0",
                                      "--health-retries",
                                      "1"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"--", "python3", "-c", kServer});
    const Ended ended = sandbox.call(words);
    ASSERT_EQ(ended.code, 0) << ended.all();
    ASSERT_TRUE(says(name, "up"));
  };
  served("tcp", {"--health-tcp", "8080"});
  served("closed", {"--health-tcp", "8081"});
  served("good", {"--health-http", "8080/good?x=1"});
  served("bad", {"--health-http", "/bad:8080"});
  EXPECT_TRUE(is("tcp", "healthy"));
  EXPECT_TRUE(is("good", "healthy"));
  EXPECT_THAT(about("good", "health.output"), HasSubstr("200 OK"));
  EXPECT_TRUE(is("closed", "unhealthy"));
  EXPECT_THAT(about("closed", "health.output"),
              AllOf(HasSubstr("127.0.0.1:8081"), HasSubstr("ECONNREFUSED")));
  EXPECT_TRUE(is("bad", "unhealthy"));
  EXPECT_TRUE(
      eventually([&] { return about("bad", "health.output").find("503") != std::string::npos; }));
}

TEST_P(Health, TheUnhealthyAreKilledIfThatIsWanted) {
  start("one", "exec sleep 1000",
        {"--health-cmd", "false", "--health-interval", "100ms", "--health-start-period", "0",
         "--health-action", "kill"});
  EXPECT_EQ(sandbox.call({"wait", "one"}).out, "137\n");
  EXPECT_EQ(about("one", "ending.reason"), "unhealthy");
  EXPECT_THAT(about("one", "ending.message"), HasSubstr("--health-retries 3"));
  EXPECT_EQ(about("one", "restarts"), "0");
}

TEST_P(Health, TheUnhealthyAreStartedAgainIfThatIsWanted) {
  start("one", "echo run; exec sleep 1000",
        {"--health-cmd", "false", "--health-interval", "100ms", "--health-start-period", "0",
         "--health-retries", "1", "--health-action", "restart"});
  EXPECT_TRUE(eventually([&] { return about("one", "restarts") >= "2"; }));
  EXPECT_THAT(logs("one"), HasSubstr("run\nrun\n"));
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "stopped");
}

TEST_P(Health, AFrozenOneIsNotLookedAt) {
  if (!limits_work(GetParam())) GTEST_SKIP() << "this user has no cgroup to freeze here";
  start("one", "exec sleep 1000",
        {"--health-cmd", "true", "--health-interval", "100ms", "--health-timeout", "100ms",
         "--health-retries", "1", "--pids", "100"});
  ASSERT_TRUE(is("one", "healthy"));
  const Ended paused = sandbox.call({"pause", "one"});
  if (paused.code != 0) GTEST_SKIP() << "pausing is not to be had here: " << paused.err;
  usleep(500'000);
  EXPECT_EQ(about("one", "health.status"), "healthy");
  ASSERT_EQ(sandbox.call({"resume", "one"}).code, 0);
  EXPECT_TRUE(is("one", "healthy"));
  EXPECT_THAT(sandbox.call({"events", "--filter", "event=health_status"}).out,
              Not(HasSubstr("unhealthy")));
}

TEST_P(Health, WaitingToBeStartedAgainIsAStateOfItsOwn) {
  start("one", "exit 3", {"--restart", "always"});
  // The waits grow: sooner or later one is long enough to be seen.
  ASSERT_TRUE(becomes("one", "restarting"));
  EXPECT_TRUE(eventually(
      [&] { return sandbox.call({"ps"}).out.find("restarting (3)") != std::string::npos; }));
  ASSERT_TRUE(eventually([&] { return about("one", "restarts") >= "4"; }));
  ASSERT_TRUE(becomes("one", "restarting"));
  EXPECT_EQ(about("one", "restart_at").size(), 20U);
  EXPECT_EQ(sandbox.call({"stop", "one"}).code, 0);
  EXPECT_EQ(about("one", "status"), "stopped");
  EXPECT_EQ(about("one", "restart_at"), "");
}

TEST_P(Health, ReadyWhenItComesBack) {
  start("one", "sleep 0.5; touch /tmp/ready; exec sleep 1000",
        {"--readiness-exec", "test -e /tmp/ready"});
  EXPECT_EQ(sandbox.call({"exec", "one", "test", "-e", "/tmp/ready"}).code, 0);
  ASSERT_EQ(sandbox
                .call({"run", "-d", "--name", "two", "--readiness-tcp", "8080", "--", "python3",
                       "-c", kServer})
                .code,
            0);
  EXPECT_EQ(logs("two"), "up\n");
}

TEST_P(Health, NotReadyInTimeIsAnErrorAndNothingIsKept) {
  const Ended late =
      sandbox.run({"-d", "--name", "one", "--readiness-exec", "echo not yet; false",
                   "--readiness-timeout", "700ms", "--restart", "always", "--", "sleep", "1000"});
  EXPECT_EQ(late.code, 125) << late.all();
  EXPECT_EQ(late.out, "");
  EXPECT_THAT(late.err, AllOf(HasSubstr("--readiness-timeout"), HasSubstr("not yet")));
  const Ended dead = sandbox.run({"-d", "--name", "one", "--readiness-exec", "false", "--restart",
                                  "always", "--", "sh", "-c", "exit 7"});
  EXPECT_EQ(dead.code, 125);
  EXPECT_THAT(dead.err, AllOf(HasSubstr("code 7"), HasSubstr("before it was ready")));
  EXPECT_EQ(sandbox.call({"ps", "--all", "--quiet"}).out, "");
}

TEST_P(Health, WhoWaitsForReadinessAndGoesTakesTheStartBack) {
  Running running = sandbox.start(
      {"run", "-d", "--name", "one", "--readiness-exec", "false", "--", "sleep", "1000"});
  ASSERT_TRUE(
      eventually([&] { return sandbox.call({"ps"}).out.find("one") != std::string::npos; }));
  running.send(SIGINT);
  running.wait();
  EXPECT_TRUE(eventually([&] { return sandbox.call({"ps", "--all", "--quiet"}).out.empty(); }));
}

TEST_P(Health, StartingACreatedOneWaitsForItsReadiness) {
  const auto create = [&](const std::string& name, const std::string& script) {
    ASSERT_EQ(
        sandbox
            .call({"create", "--name", name, "--readiness-exec", "test -e /tmp/ready",
                   "--readiness-timeout", name == "bad" ? "500ms" : "1m", "--", "sh", "-c", script})
            .code,
        0);
  };
  create("good", "sleep 0.3; touch /tmp/ready; exec sleep 1000");
  create("bad", "exec sleep 1000");
  EXPECT_EQ(sandbox.call({"start", "good"}).code, 0);
  EXPECT_EQ(sandbox.call({"exec", "good", "test", "-e", "/tmp/ready"}).code, 0);
  const Ended bad = sandbox.call({"start", "bad"});
  EXPECT_EQ(bad.code, 1) << bad.all();
  EXPECT_THAT(bad.err, HasSubstr("--readiness-timeout"));
  // It was there before, and stays.
  EXPECT_EQ(about("bad", "status"), "stopped");
  EXPECT_EQ(sandbox.call({"start", "bad"}).code, 1);
  EXPECT_EQ(about("bad", "status"), "stopped");
}

}  // namespace
}  // namespace nucleus::test
