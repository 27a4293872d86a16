#include "container/invariants.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "launch/launch_plan.h"
#include "spec/syscalls.h"

namespace nucleus::container {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Invariants : public testing::Test {
 protected:
  Invariants() {
    std::string made = testing::TempDir() + "nucleus-invariants-XXXXXX";
    vault = ::mkdtemp(made.data());
    std::filesystem::create_directory(vault + "/tree");
    spec.mode = spec::ServiceMode::production;
    spec.rootfs = vault + "/tree";
    spec.resources.memory = ByteSize{64ULL << 20};
    spec.resources.cpus = CpuQuota{50'000};
    spec.resources.pids = 100;
    spec.audit_log = vault + "/audit.jsonl";
    decision.sources.rootfs.reset(::open(spec.rootfs->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    decision.maps.uids = {{.inside = 0, .outside = 100'000, .count = 65536}};
    decision.maps.gids = decision.maps.uids;
    decision.cgroup.directories.emplace_back();
  }
  ~Invariants() override { std::filesystem::remove_all(vault); }

  // The names of those that do not hold. Landlock is the host's affair.
  std::vector<std::string> broken() const {
    std::vector<std::string> names;
    const auto all = invariants(spec, decision);
    EXPECT_TRUE(all);
    if (!all) return names;
    for (const Invariant& invariant : *all) {
      if (!invariant.fault.empty() && std::string(invariant.name) != "landlock")
        names.emplace_back(invariant.name);
    }
    return names;
  }

  std::string vault;
  spec::ContainerSpec spec;
  Decision decision;
};

TEST_F(Invariants, AllHold) {
  EXPECT_THAT(broken(), IsEmpty());
  if (launch::read_kernel_facts().landlock_abi >= 3) {
    EXPECT_TRUE(require_invariants(spec, decision));
  }
}

TEST_F(Invariants, EachIsNamedAlone) {
  const auto alone = [&](const char* name, const auto& change) {
    const spec::ContainerSpec good = spec;
    change();
    EXPECT_THAT(broken(), ElementsAre(name));
    const auto required = require_invariants(spec, decision);
    ASSERT_FALSE(required) << name;
    EXPECT_EQ(required.error().kind, Kind::usage);
    EXPECT_THAT(required.error().text(), HasSubstr(name));
    spec = good;
    EXPECT_THAT(broken(), IsEmpty()) << name;
  };
  alone("not-degraded", [&] { spec.may_miss.keyring = true; });
  alone("network", [&] { spec.network = spec::NetworkMode::host; });
  alone("memory-limit", [&] { spec.resources.memory.reset(); });
  alone("cpu-limit", [&] { spec.resources.cpus.reset(); });
  alone("process-limit", [&] { spec.resources.pids.reset(); });
  alone("init", [&] { spec.init = false; });
  alone("capabilities", [&] { spec.capabilities = {CAP_CHOWN, CAP_SETUID}; });
  alone("seccomp", [&] { spec.seccomp_allow = {spec::optional_calls().front().number}; });
  alone("proc", [&] { spec.proc_rw = true; });
  alone("audit-log", [&] { spec.audit_log.clear(); });
  alone("audit-log", [&] { spec.audit_log = vault + "/no/such/directory/audit.jsonl"; });
}

TEST_F(Invariants, NoIdIsTheHostsRoot) {
  decision.maps.gids = {{.inside = 5, .outside = 0, .count = 1}};
  EXPECT_THAT(broken(), ElementsAre("ids"));
  decision.maps.gids = decision.maps.uids;
  decision.maps.uids = {{.inside = 0, .outside = 1000, .count = 1},
                        {.inside = 1, .outside = 0, .count = 5}};
  EXPECT_THAT(broken(), ElementsAre("ids"));
  decision.maps.uids.clear();
  EXPECT_THAT(broken(), ElementsAre("ids"));
}

TEST_F(Invariants, WhatSharesTheHostBreaksSeveral) {
  spec.userns = spec::UserNamespace::host;
  EXPECT_THAT(broken(), ElementsAre("isolated", "ids"));
}

TEST_F(Invariants, LimitsAreACgroups) {
  decision.cgroup.misses = true;
  EXPECT_THAT(broken(), ElementsAre("cgroup"));
  decision.cgroup = {};
  EXPECT_THAT(broken(), ElementsAre("cgroup"));
}

TEST_F(Invariants, TheRootfsIsThereAndTrusted) {
  ASSERT_EQ(::chmod(spec.rootfs->c_str(), 0777), 0);
  EXPECT_THAT(broken(), ElementsAre("rootfs-trusted"));
  spec.rootfs.reset();
  EXPECT_THAT(broken(), ElementsAre("rootfs", "rootfs-trusted"));
}

TEST_F(Invariants, AgentsAreNotHeldToThem) {
  spec = {};
  EXPECT_TRUE(require_invariants(spec, decision));
}

TEST_F(Invariants, ALookMakesNothing) {
  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(spec.audit_log));
}

}  // namespace
}  // namespace nucleus::container
