#include "spec/spec_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/validate.h"

namespace nucleus::spec {
namespace {

ContainerSpec full() {
  Draft draft;
  draft.argv = {"sh", "-c", "echo \"\xff\""};
  draft.name = "one";
  draft.env = {"A=1"};
  draft.user = "5:6";
  draft.groups = {"7"};
  draft.context = "/src";
  draft.context_include = {"*.pem"};
  draft.volumes = {"/a:/a:rw"};
  draft.tmpfs = {"/t:size=1M"};
  draft.secrets = {"/k:key"};
  draft.hosts = {"db:10.0.0.1"};
  draft.labels = {"x=y"};
  draft.ulimits = {"nofile=5:unlimited"};
  draft.cap_add = {"KILL"};
  draft.memory = "64M";
  draft.cpus = "1.5";
  draft.io_limits = {"8:0 rbps=1M"};
  draft.timeout = "90";
  draft.init = false;
  draft.detach = true;
  draft.health_http = "8080/healthz";
  draft.health_action = "restart";
  draft.readiness_tcp = "8080";
  const auto checked =
      validate(draft, {.getenv = [](const char*) -> const char* { return nullptr; }});
  EXPECT_TRUE(checked.spec) << (checked.errors.empty() ? "" : checked.errors.front().text());
  return checked.spec.value_or(ContainerSpec());
}

TEST(SpecJson, ComesBackAsItWent) {
  const ContainerSpec spec = full();
  const std::string text = to_json(spec);
  const auto back = spec_from_json(text, "spec.json");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(back->volumes[0].source, "/a");
  EXPECT_TRUE(back->volumes[0].writable);
  EXPECT_EQ(back->ulimits[0].hard, ~0ULL);
  EXPECT_EQ(back->timeout, std::chrono::seconds(90));
  EXPECT_EQ(back->identity, spec.identity);
  EXPECT_FALSE(back->init);
  EXPECT_EQ(back->supervision.health.probe.text, "/healthz");
  EXPECT_EQ(back->supervision.health.action, HealthAction::restart);
  EXPECT_EQ(back->supervision.readiness.probe.port, 8080);
}

TEST(SpecJson, WhatIsMissingOrWrongIsNamed) {
  const std::string text = to_json(full());
  const auto without = [&](const std::string& cut, const std::string& put) {
    std::string changed = text;
    const std::size_t at = changed.find(cut);
    EXPECT_NE(at, std::string::npos) << cut;
    changed.replace(at, cut.size(), put);
    const auto back = spec_from_json(changed, "spec.json");
    return back ? "taken" : back.error().text();
  };
  EXPECT_THAT(without("\"cwd\":", "\"other\":"), testing::HasSubstr("'cwd'"));
  EXPECT_THAT(without("\"memory\":67108864", "\"memory\":\"x\""),
              testing::HasSubstr("'resources.memory'"));
  EXPECT_THAT(without("{", ""), testing::HasSubstr("no JSON"));
  EXPECT_THAT(without("\"uid\":5", "\"uid\":-5"), testing::HasSubstr("'identity.uid'"));
}

}  // namespace
}  // namespace nucleus::spec
