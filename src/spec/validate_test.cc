#include "spec/validate.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nucleus::spec {
namespace {

const char* no_environment(const char* /*name*/) { return nullptr; }
const char* some_environment(const char* name) {
  return std::string(name) == "TOKEN" ? "abc" : nullptr;
}

Draft plain() {
  Draft draft;
  draft.argv = {"true"};
  return draft;
}

std::string only_error(const Draft& draft) {
  const Validation validation = validate(draft, {.getenv = no_environment, .base = "/work"});
  EXPECT_EQ(validation.errors.size(), 1U);
  EXPECT_FALSE(validation.spec);
  return validation.errors.empty() ? "" : validation.errors.front().text();
}

TEST(Validate, DefaultsAreTheSafeOnes) {
  const Validation validation = validate(plain(), {.getenv = no_environment, .base = "/"});
  ASSERT_TRUE(validation.spec);
  EXPECT_EQ(validation.spec->network, NetworkMode::none);
  EXPECT_EQ(validation.spec->userns, UserNamespace::separate);
  EXPECT_EQ(validation.spec->resources.pids, 512U);
  EXPECT_FALSE(validation.spec->resources.pids_asked);
  EXPECT_TRUE(validation.spec->init);
  EXPECT_EQ(validation.spec->cwd, "/");
  EXPECT_EQ(validation.spec->hostname, "nucleus");
}

TEST(Validate, ReportsEveryErrorAtOnce) {
  Draft draft;
  draft.memory = "lots";
  draft.cpus = "0";
  draft.volumes = {"x"};
  draft.network = "bridge";
  EXPECT_EQ(validate(draft, {.getenv = no_environment, .base = "/"}).errors.size(), 5U);
}

TEST(Validate, HostNetworkNeedsBothFlags) {
  Draft draft = plain();
  draft.network = "host";
  EXPECT_NE(only_error(draft).find("--allow-host-network"), std::string::npos);
  draft.allow_host_network = true;
  EXPECT_TRUE(validate(draft, {.getenv = no_environment, .base = "/"}).spec);
  draft.network.reset();
  EXPECT_NE(only_error(draft).find("--network host"), std::string::npos);
}

TEST(Validate, VolumesAreReadOnlyUnlessAsked) {
  Draft draft = plain();
  draft.volumes = {"/a:/b", "./c:/d:rw"};
  const auto spec = validate(draft, {.getenv = no_environment, .base = "/work"}).spec;
  ASSERT_TRUE(spec);
  EXPECT_FALSE(spec->volumes[0].writable);
  EXPECT_TRUE(spec->volumes[1].writable);
  EXPECT_EQ(spec->volumes[1].source, "/work/./c");
}

TEST(Validate, RefusesTargetsThatWouldUndoAProtection) {
  for (const char* volume :
       {"/a:/", "/a:/proc", "/a:/proc/sys", "/a:/dev/null", "/a:/sys/fs", "/a:/b/../proc", "/a:b",
        "/a", ":/b", "/a:/b:rw:x", "/a:/b:bogus", "name:/b", "/a:"}) {
    Draft draft = plain();
    draft.volumes = {volume};
    EXPECT_FALSE(only_error(draft).empty()) << volume;
  }
  Draft twice = plain();
  twice.volumes = {"/a:/b", "/c:/b/"};
  EXPECT_NE(only_error(twice).find("already"), std::string::npos);
}

TEST(Validate, TmpfsOptions) {
  Draft draft = plain();
  draft.tmpfs = {"/cache:size=1M,mode=755,exec"};
  const auto spec = validate(draft, {.getenv = no_environment, .base = "/"}).spec;
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->tmpfs[0].size.bytes, 1U << 20);
  EXPECT_EQ(spec->tmpfs[0].mode, 0755U);
  EXPECT_TRUE(spec->tmpfs[0].executable);
  for (const char* bad :
       {"cache", "/cache:size=0", "/cache:mode=9", "/cache:suid", "/cache:size=-1", "/dev/pts"}) {
    Draft other = plain();
    other.tmpfs = {bad};
    EXPECT_FALSE(only_error(other).empty()) << bad;
  }
}

TEST(Validate, LastEnvironmentValueWins) {
  Draft draft = plain();
  draft.env = {"A=1", "B=2", "A=3", "TOKEN", "UNSET"};
  const auto spec = validate(draft, {.getenv = some_environment, .base = "/"}).spec;
  ASSERT_TRUE(spec);
  EXPECT_EQ(std::ranges::count(spec->env, "A=3"), 1);
  EXPECT_EQ(std::ranges::count(spec->env, "A=1"), 0);
  EXPECT_EQ(std::ranges::count(spec->env, "TOKEN=abc"), 1);
  draft.env = {"=x"};
  EXPECT_NE(only_error(draft).find("--env"), std::string::npos);
}

TEST(Validate, UserAndGroup) {
  Draft draft = plain();
  draft.user = "1000:100";
  EXPECT_EQ(validate(draft, {.getenv = no_environment, .base = "/"}).spec->identity,
            (Identity{1000, 100}));
  draft.user = "1000";
  EXPECT_EQ(validate(draft, {.getenv = no_environment, .base = "/"}).spec->identity,
            (Identity{1000, 1000}));
  draft.group = "7";
  EXPECT_EQ(validate(draft, {.getenv = no_environment, .base = "/"}).spec->identity,
            (Identity{1000, 7}));
  for (const char* bad : {"", "-1", "4294967295", "alice", "1000:", ":5"}) {
    Draft other = plain();
    other.user = bad;
    EXPECT_FALSE(validate(other, {.getenv = no_environment, .base = "/"}).errors.empty()) << bad;
  }
}

TEST(Validate, AContextHasARoom) {
  const auto room = [](const Draft& draft) {
    const Validation validation = validate(draft, {.getenv = no_environment, .base = "/"});
    return validation.spec ? validation.spec->context->size.bytes : 0;
  };
  Draft draft = plain();
  draft.context = "/src";
  EXPECT_EQ(room(draft), 2ULL << 30);
  draft.memory = "64M";
  EXPECT_EQ(room(draft), 64ULL << 20);
  draft.context_size = "1M";
  EXPECT_EQ(room(draft), 1ULL << 20);
  draft.context_mode = "bind";
  EXPECT_NE(only_error(draft).find("takes no room"), std::string::npos);
  draft.context_mode.reset();
  draft.context_size = "0";
  EXPECT_NE(only_error(draft).find("without a limit"), std::string::npos);
  draft.context.reset();
  EXPECT_NE(only_error(draft).find("needs --context"), std::string::npos);
}

TEST(Validate, MemorySwapIsTheSum) {
  Draft draft = plain();
  draft.memory_swap = "64M";
  EXPECT_NE(only_error(draft).find("needs --memory"), std::string::npos);
  draft.memory = "128M";
  EXPECT_NE(only_error(draft).find("together"), std::string::npos);
  draft.memory_swap = "256M";
  EXPECT_TRUE(validate(draft, {.getenv = no_environment, .base = "/"}).spec);
}

TEST(Validate, NamesAndHostNames) {
  for (const char* bad : {"", "-x", "a/b", "a b", "..", "\n"}) {
    Draft draft = plain();
    draft.name = bad;
    draft.hostname = "ok";
    EXPECT_FALSE(only_error(draft).empty()) << bad;
  }
}

TEST(NormalPath, KeepsInside) {
  EXPECT_EQ(normal_path("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(normal_path("/"), "/");
  EXPECT_EQ(normal_path("/a/../b"), "");
  EXPECT_EQ(normal_path("a"), "");
  EXPECT_EQ(normal_path(std::string("/a\0b", 4)), "");
}

TEST(Validate, NamedVolumesAreWritableAndLieWhereTheCallerKeepsThem) {
  Draft draft = plain();
  draft.volumes = {"cache:/c", "other:/d:ro"};
  draft.mounts = {"type=volume,source=third,target=/e"};
  const auto spec = validate(draft, {.getenv = no_environment, .volumes = "/var/v"}).spec;
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->volumes[0].name, "cache");
  EXPECT_EQ(spec->volumes[0].source, "/var/v/cache/data");
  EXPECT_TRUE(spec->volumes[0].writable);
  EXPECT_FALSE(spec->volumes[1].writable);
  EXPECT_TRUE(spec->volumes[2].writable);
  draft.mounts.clear();
  draft.volumes = {"cache:/c"};
  EXPECT_NE(only_error(draft).find("NUCLEUS_DATA_DIR"), std::string::npos);
  for (const char* name : {"a/b:/c", "-x:/c", "a b:/c"}) {
    draft.volumes = {name};
    EXPECT_FALSE(validate(draft, {.getenv = no_environment, .volumes = "/v"}).spec) << name;
  }
}

TEST(Validate, ClocksAreMovedByWholeAndPartialSeconds) {
  Draft draft = plain();
  draft.time_namespace = "true";
  ASSERT_TRUE(validate(draft, {.getenv = no_environment}).spec->clocks);
  draft.time_namespace = "boottime=-5.25,monotonic=86400";
  const auto spec = validate(draft, {.getenv = no_environment}).spec;
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->clocks->boottime.seconds, -6);
  EXPECT_EQ(spec->clocks->boottime.nanoseconds, 750'000'000U);
  EXPECT_EQ(spec->clocks->monotonic.seconds, 86400);
  for (const char* wrong : {"realtime=1", "boottime", "boottime=", "boottime=1,", "boottime=1.",
                            "boottime=1,boottime=2", "boottime=--1", "boottime=1.1234567890",
                            "boottime=99999999999999999999", "monotonic=1 "}) {
    draft.time_namespace = wrong;
    EXPECT_NE(only_error(draft).find("--time-namespace"), std::string::npos) << wrong;
  }
}

Surroundings as(std::uint32_t uid) {
  Surroundings around{.getenv = no_environment, .base = "/work"};
  around.uid = around.gid = uid;
  around.may_change_ids = uid == 0;
  around.private_directory = "/tmp/nucleus-1";
  return around;
}

TEST(ValidateIsolation, LandlockIsTheCallerInAPlaceOfItsOwn) {
  Draft draft = plain();
  draft.isolation = "landlock";
  const Validation user = validate(draft, as(1000));
  ASSERT_TRUE(user.spec);
  EXPECT_TRUE(user.spec->shares_host());
  EXPECT_EQ(user.spec->identity, (Identity{.uid = 1000, .gid = 1000}));
  EXPECT_EQ(user.spec->cwd, "/tmp/nucleus-1");
  for (const char* const item : {"HOME=/tmp/nucleus-1", "TMPDIR=/tmp/nucleus-1"})
    EXPECT_EQ(std::ranges::count(user.spec->env, item), 1) << item;
  EXPECT_EQ(validate(draft, as(0)).spec->identity, (Identity{.uid = 65534, .gid = 65534}));
  draft.user = "1000";
  EXPECT_EQ(validate(draft, as(0)).spec->identity, (Identity{.uid = 1000, .gid = 1000}));
  EXPECT_TRUE(validate(draft, as(1000)).spec);
  EXPECT_FALSE(validate(draft, as(1001)).spec);
  for (const char* const root : {"0", "1000:0", "root"}) {
    draft.user = root;
    EXPECT_FALSE(validate(draft, as(0)).spec) << root;
  }
}

TEST(ValidateIsolation, VolumesStayWhereTheyAre) {
  Draft draft = plain();
  draft.isolation = "landlock";
  draft.volumes = {"/a:/a", "./b/:/work/b:rw"};
  EXPECT_TRUE(validate(draft, as(1000)).spec);
  draft.volumes = {"/a:/b"};
  EXPECT_FALSE(validate(draft, as(1000)).spec);
  draft.volumes = {"/:/"};
  EXPECT_FALSE(validate(draft, as(1000)).spec);
}

TEST(ValidateIsolation, ALevelThatIsNoneIsRefused) {
  Draft draft = plain();
  draft.isolation = "none";
  EXPECT_NE(only_error(draft).find("--isolation"), std::string::npos);
}

}  // namespace
}  // namespace nucleus::spec
