#include "spec/accounts.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "spec/env_file.h"
#include "spec/validate.h"

namespace nucleus::spec {
namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:44:Web,,,:/srv/web:/bin/false\nx:x:12x:1::/"
    ":\n";

TEST(Accounts, AreFoundByNameAndByNumber) {
  const auto by_name = find_user(kPasswd, "web");
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->uid, 33U);
  EXPECT_EQ(by_name->gid, 44U);
  EXPECT_EQ(by_name->home, "/srv/web");
  EXPECT_EQ(find_user(kPasswd, "33")->gid, 44U);
  EXPECT_FALSE(find_user(kPasswd, "x"));
  EXPECT_FALSE(find_user(kPasswd, "broken"));
  EXPECT_FALSE(find_user("a:x:4294967295:0::/:\n", "a"));
  EXPECT_EQ(find_group("g:x:7:a,b\nh:x:8:", "h"), 8U);
  EXPECT_FALSE(find_group("g:x:7:\n", "a"));
}

Validation check(const Draft& draft, Surroundings around = {}) {
  around.getenv = [](const char*) -> const char* { return nullptr; };
  return validate(draft, around);
}

Draft plain() {
  Draft draft;
  draft.argv = {"true"};
  return draft;
}

std::string refusal(const Draft& draft) {
  const Validation validation = check(draft);
  EXPECT_EQ(validation.errors.size(), 1U);
  return validation.errors.empty() ? "" : validation.errors.front().text();
}

TEST(Accounts, TheRootfsDecidesWhoAUserIs) {
  Draft draft = plain();
  draft.rootfs = "/image";
  draft.user = "web:staff";
  const Validation validation = check(draft, {.passwd = kPasswd, .group = "staff:x:50:\n"});
  ASSERT_TRUE(validation.spec);
  EXPECT_EQ(validation.spec->identity, (Identity{.uid = 33, .gid = 50}));
  EXPECT_EQ(validation.spec->home, "/srv/web");
  draft.user = "nosuch";
  EXPECT_NE(refusal(draft).find("/etc/passwd"), std::string::npos);
}

TEST(EnvFile, TakesDockersForm) {
  const auto items = parse_env_file("f", "# comment\n\nA=b c\r\n  HOME\nX=\"quoted\"\nE=");
  ASSERT_TRUE(items);
  EXPECT_EQ(*items, (std::vector<std::string>{"A=b c", "HOME", "X=\"quoted\"", "E="}));
  const auto bad = parse_env_file("dir/f", "A=1\n=2\n");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text().find("dir/f:2"), std::string::npos);
  EXPECT_FALSE(parse_env_file("f", "two words=1\n"));
}

TEST(Mounts, TheLongFormTakesColonsAndCommas) {
  Draft draft = plain();
  draft.mounts = {"type=bind,source=/a:b,target=/c", R"(type=bind,"source=/x,y",dst=/d,rw)",
                  "type=tmpfs,target=/e,size=1M,mode=700,exec"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec) << validation.errors.front().text();
  ASSERT_EQ(validation.spec->volumes.size(), 2U);
  EXPECT_EQ(validation.spec->volumes[0].source, "/a:b");
  EXPECT_FALSE(validation.spec->volumes[0].writable);
  EXPECT_EQ(validation.spec->volumes[1].source, "/x,y");
  EXPECT_TRUE(validation.spec->volumes[1].writable);
  ASSERT_EQ(validation.spec->tmpfs.size(), 1U);
  EXPECT_EQ(validation.spec->tmpfs[0].mode, 0700U);
  for (const char* bad :
       {"type=bind,target=/c", "type=volume,source=v,target=/c", "type=tmpfs,target=/c,source=/x",
        "type=bind,source=/a,target=c", "type=bind,source=/a,target=/c,colour=red",
        R"(type=bind,"source=/a,target=/c)", "type=tmpfs,target=/c,size=0"}) {
    Draft wrong = plain();
    wrong.mounts = {bad};
    EXPECT_NE(refusal(wrong).find("--mount"), std::string::npos) << bad;
  }
}

TEST(Secrets, AreNamedByOneFileName) {
  Draft draft = plain();
  draft.secrets = {"/keys/tls.key", "/keys/a:b:token", "/k:/run/secrets/third"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec) << validation.errors.front().text();
  EXPECT_EQ(validation.spec->secrets[0].name, "tls.key");
  EXPECT_EQ(validation.spec->secrets[1].name, "token");
  EXPECT_EQ(validation.spec->secrets[1].source, "/keys/a:b");
  EXPECT_EQ(validation.spec->secrets[2].name, "third");
  for (const char* bad : {"/k:../x", "/k:a/b", "/k:.", ":x"}) {
    Draft wrong = plain();
    wrong.secrets = {bad};
    EXPECT_NE(refusal(wrong).find("--secret"), std::string::npos) << bad;
  }
  Draft twice = plain();
  twice.secrets = {"/a/x", "/b/x"};
  EXPECT_NE(refusal(twice).find("already"), std::string::npos);
  Draft credential = plain();
  credential.credentials = {"token"};
  EXPECT_NE(refusal(credential).find("CREDENTIALS_DIRECTORY"), std::string::npos);
}

TEST(Sysctls, OnlyThoseOfTheContainersOwnNamespaces) {
  Draft draft = plain();
  draft.sysctls = {"net.ipv4.ip_forward=1", "kernel.shmmax=65536", "net/ipv4/conf/eth0.1/x=0",
                   "net.ipv4.conf.eth0/1.x=0"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec) << validation.errors.front().text();
  EXPECT_EQ(validation.spec->sysctls[0].first, "net/ipv4/ip_forward");
  EXPECT_EQ(validation.spec->sysctls[2].first, "net/ipv4/conf/eth0.1/x");
  EXPECT_EQ(validation.spec->sysctls[3].first, "net/ipv4/conf/eth0.1/x");
  for (const char* bad : {"kernel.core_pattern=|/x", "vm.swappiness=1", "net.x", "=1",
                          "net/../kernel/core_pattern=x", "kernel.shmmax.=1"}) {
    Draft wrong = plain();
    wrong.sysctls = {bad};
    EXPECT_NE(refusal(wrong).find("--sysctl"), std::string::npos) << bad;
  }
}

TEST(Limits, UlimitsAndIoLimits) {
  Draft draft = plain();
  draft.ulimits = {"nofile=10:20", "nofile=30", "stack=unlimited"};
  draft.io_limits = {"8:0 rbps=1M wiops=100"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec) << validation.errors.front().text();
  ASSERT_EQ(validation.spec->ulimits.size(), 2U);
  EXPECT_EQ(validation.spec->ulimits[0].hard, 30U);
  EXPECT_EQ(validation.spec->ulimits[1].soft, RLIM_INFINITY);
  ASSERT_EQ(validation.spec->resources.io.size(), 2U);
  EXPECT_EQ(validation.spec->resources.io[0].value, 1U << 20);
  for (const char* bad : {"nofile", "nofile=", "nofile=20:10", "colour=1", "nofile=x"}) {
    Draft wrong = plain();
    wrong.ulimits = {bad};
    EXPECT_NE(refusal(wrong).find("--ulimit"), std::string::npos) << bad;
  }
  for (const char* bad : {"8:0", "8 rbps=1", "8:0 speed=1", "8:0 rbps=0", "a:b rbps=1"}) {
    Draft wrong = plain();
    wrong.io_limits = {bad};
    EXPECT_NE(refusal(wrong).find("--io-limit"), std::string::npos) << bad;
  }
}

TEST(Capabilities, OnlyHarmlessOnesCanBeKept) {
  Draft draft = plain();
  draft.cap_add = {"net_bind_service", "CAP_CHOWN", "CHOWN"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec);
  EXPECT_EQ(validation.spec->capabilities.size(), 2U);
  draft.cap_add = {"SYS_ADMIN"};
  EXPECT_NE(refusal(draft).find("SYS_ADMIN"), std::string::npos);
  draft.cap_add = {"CHOWN"};
  draft.userns = "host";
  EXPECT_NE(refusal(draft).find("--userns host"), std::string::npos);
}

TEST(Hosts, TakeNamesAndAddresses) {
  Draft draft = plain();
  draft.hosts = {"db:10.0.0.7", "six:fd00::7", "bracket:[::1]"};
  const Validation validation = check(draft);
  ASSERT_TRUE(validation.spec);
  EXPECT_EQ(validation.spec->hosts[1].second, "fd00::7");
  EXPECT_EQ(validation.spec->hosts[2].second, "::1");
  for (const char* bad : {"db", "db:", "db:10.0.0", ":1.2.3.4", "a b:1.2.3.4", "d:1.2.3.4\nx"}) {
    Draft wrong = plain();
    wrong.hosts = {bad};
    EXPECT_NE(refusal(wrong).find("--add-host"), std::string::npos) << bad;
  }
}

TEST(Accounts, ANumberHasTheFirstNameThatIsOne) {
  EXPECT_EQ(user_name("junk\n:x:5:5\nroot:x:0:0:r:/root\ntoor:x:0:0::/\n", 0), "root");
  EXPECT_EQ(user_name("junk\n:x:5:5\n", 5), std::nullopt);
}

}  // namespace
}  // namespace nucleus::spec
