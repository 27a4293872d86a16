#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "spec/validate.h"

namespace nucleus::spec {
namespace {

Draft detached() {
  Draft draft;
  draft.argv = {"true"};
  draft.detach = true;
  return draft;
}

Validation check(const Draft& draft) {
  return validate(draft, {.getenv = [](const char*) -> const char* { return nullptr; }});
}

// The flags that are refused, in their order.
std::string refused(const Draft& draft) {
  std::string text;
  for (const Error& error : check(draft).errors) text += error.text() + "\n";
  return text;
}

TEST(ValidateHealth, WhatIsTakenWithoutMore) {
  Draft draft = detached();
  draft.health_cmd = "true";
  const auto checked = check(draft);
  ASSERT_TRUE(checked.spec);
  const HealthCheck& health = checked.spec->supervision.health;
  EXPECT_EQ(health.probe.kind, ProbeKind::exec);
  EXPECT_EQ(health.probe.text, "true");
  EXPECT_EQ(health.interval, std::chrono::seconds(30));
  EXPECT_EQ(health.timeout, std::chrono::seconds(5));
  EXPECT_EQ(health.start_period, std::chrono::seconds(5));
  EXPECT_EQ(health.retries, 3U);
  EXPECT_EQ(health.action, HealthAction::none);
  EXPECT_EQ(checked.spec->supervision.readiness.probe.kind, ProbeKind::none);
}

TEST(ValidateHealth, BothWaysToWriteAUrl) {
  const auto probe = [](const std::string& text) {
    Draft draft = detached();
    draft.health_http = text;
    const auto checked = check(draft);
    return checked.spec ? std::to_string(checked.spec->supervision.health.probe.port) + " " +
                              checked.spec->supervision.health.probe.text
                        : "refused";
  };
  EXPECT_EQ(probe("8080/healthz"), "8080 /healthz");
  EXPECT_EQ(probe("/a:b?c=d:80"), "80 /a:b?c=d");
  EXPECT_EQ(probe("80"), "80 /");
  for (const char* wrong : {"", "/x", "x", "0/x", "65536/x", "/x:", "80/a b", "80/a\r\nHost: x",
                            "http://localhost:80/x", "/x:80 "})
    EXPECT_EQ(probe(wrong), "refused") << wrong;
}

TEST(ValidateHealth, OneSocketForAllThatIsTold) {
  Draft draft = detached();
  draft.readiness_sd_notify = true;
  draft.health_sd_notify = true;
  draft.health_interval = "2s";
  draft.tmpfs = {"/run"};
  const auto checked = check(draft);
  ASSERT_TRUE(checked.spec) << refused(draft);
  EXPECT_TRUE(checked.spec->notifies());
  EXPECT_EQ(std::ranges::count(checked.spec->env, "NOTIFY_SOCKET=/run/nucleus/notify"), 1);
  EXPECT_EQ(std::ranges::count(checked.spec->env, "WATCHDOG_USEC=2000000"), 1);

  Draft plain = detached();
  EXPECT_FALSE(check(plain).spec->notifies());
  for (const char* own : {"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=1"}) {
    draft.env = {own};
    EXPECT_THAT(refused(draft), testing::HasSubstr("--env")) << own;
  }
  draft.env = {};
  for (const char* covers : {"/run/nucleus", "/run/nucleus/notify", "/run/nucleus/x"}) {
    draft.tmpfs = {covers};
    EXPECT_THAT(refused(draft), testing::HasSubstr(covers));
  }
}

TEST(ValidateHealth, RangesHaveNoNought) {
  Draft draft = detached();
  draft.health_tcp = "0";
  draft.health_interval = "0";
  draft.health_timeout = "0s";
  draft.health_retries = "0";
  draft.health_action = "reboot";
  draft.readiness_tcp = "65536";
  draft.readiness_timeout = "-1";
  EXPECT_EQ(check(draft).errors.size(), 7U) << refused(draft);
  draft = detached();
  draft.health_tcp = "1";
  draft.health_start_period = "0";
  ASSERT_TRUE(check(draft).spec) << refused(draft);
  EXPECT_EQ(check(draft).spec->supervision.health.start_period.count(), 0);
}

TEST(ValidateHealth, WhatNeedsWhat) {
  Draft draft = detached();
  draft.health_interval = "5";
  draft.health_timeout = "5";
  draft.health_retries = "5";
  draft.health_start_period = "0";
  draft.health_action = "kill";
  draft.readiness_timeout = "5";
  EXPECT_EQ(check(draft).errors.size(), 6U) << refused(draft);
  draft = detached();
  draft.health_cmd = "true";
  draft.health_tcp = "80";
  draft.readiness_exec = "true";
  draft.readiness_tcp = "80";
  EXPECT_EQ(check(draft).errors.size(), 2U) << refused(draft);
  draft = detached();
  draft.health_cmd = " ";
  draft.readiness_exec = std::string("a\0b", 3);
  EXPECT_EQ(check(draft).errors.size(), 2U) << refused(draft);
  draft = detached();
  draft.detach = false;
  draft.health_cmd = "true";
  draft.readiness_exec = "true";
  EXPECT_THAT(refused(draft), testing::AllOf(testing::HasSubstr("--health-cmd"),
                                             testing::HasSubstr("--readiness-exec"),
                                             testing::HasSubstr("add --detach")));
  draft = detached();
  draft.health_cmd = "true";
  draft.health_action = "restart";
  draft.remove = true;
  EXPECT_THAT(refused(draft), testing::HasSubstr("--rm"));
}

}  // namespace
}  // namespace nucleus::spec
