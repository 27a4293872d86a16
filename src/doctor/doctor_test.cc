#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "doctor/probes.h"
#include "doctor/report.h"

namespace nucleus::doctor {
namespace {

using spec::IsolationLevel;

constexpr const char* kAll[] = {
    "kernel",        "clone3",          "openat2",         "pidfd",     "mount-api",
    "mount-setattr", "seccomp",         "landlock",        "overlayfs", "user-namespaces",
    "cgroup-limits", "subordinate-ids", "idmapped-mounts", "state-root"};

Report healthy(std::uint32_t uid) {
  Report report;
  report.uid = uid;
  report.landlock_abi = 7;
  for (const char* const id : kAll) report.items.push_back({.id = id, .found = "there"});
  return report;
}

Report without(std::uint32_t uid, const std::string& id, Status status) {
  Report report = healthy(uid);
  for (Item& item : report.items) {
    if (item.id == id) item.status = status;
  }
  return report;
}

TEST(Doctor, GivesTheBestLevelThatNothingStandsInTheWayOf) {
  EXPECT_EQ(best_level(healthy(0)), IsolationLevel::full);
  EXPECT_EQ(best_level(healthy(1000)), IsolationLevel::rootless);
  EXPECT_EQ(best_level(without(1000, "subordinate-ids", Status::missing)),
            IsolationLevel::rootless_single_id);
  EXPECT_EQ(best_level(without(1000, "user-namespaces", Status::blocked)),
            IsolationLevel::landlock);
  EXPECT_EQ(best_level(without(0, "cgroup-limits", Status::weak)), IsolationLevel::rootless);
  EXPECT_EQ(best_level(without(0, "landlock", Status::weak)), IsolationLevel::full);
  for (const char* const id : {"landlock", "seccomp", "pidfd", "kernel"}) {
    EXPECT_EQ(best_level(without(0, id, Status::blocked)), IsolationLevel::none) << id;
    EXPECT_EQ(best_level(without(1000, id, Status::missing)), IsolationLevel::none) << id;
  }
}

TEST(Doctor, NothingRunsWithoutAPlaceForItsRecord) {
  Report report = without(1000, "state-root", Status::blocked);
  report.level = best_level(report);
  EXPECT_EQ(report.level, IsolationLevel::rootless);
  EXPECT_FALSE(can_run(report));
}

TEST(Doctor, AWeakLandlockIsTooLittleToStandAlone) {
  Report report = without(1000, "landlock", Status::weak);
  EXPECT_FALSE(obstacle(report, IsolationLevel::rootless));
  ASSERT_TRUE(obstacle(report, IsolationLevel::landlock));
  EXPECT_EQ(obstacle(report, IsolationLevel::landlock)->id, "landlock");
}

TEST(Doctor, FullIsForRoot) {
  const auto item = obstacle(healthy(1000), IsolationLevel::full);
  ASSERT_TRUE(item);
  EXPECT_THAT(item->found, testing::HasSubstr("uid 1000"));
}

TEST(Doctor, RunsNothingThatIsWellOrHasNoCommand) {
  Report report = healthy(0);
  report.items[0].command = {"false"};
  report.items[1].status = Status::blocked;
  report.items[1].fix = "for a person";
  EXPECT_TRUE(mend(report, [](const std::string&) { FAIL(); }).empty());
}

TEST(Doctor, RunsACommandOnceAndTellsItsEnd) {
  Report report = healthy(0);
  for (const std::size_t index : {0U, 1U}) {
    report.items[index].status = Status::blocked;
    report.items[index].command = {"sh", "-c", "exit 3"};
  }
  static int announced;
  announced = 0;
  const auto mended = mend(report, [](const std::string&) { ++announced; });
  ASSERT_EQ(mended.size(), 1U);
  EXPECT_EQ(announced, 1);
  EXPECT_EQ(mended[0].command, "sh -c exit 3");
  EXPECT_EQ(mended[0].ran, ::geteuid() == 0);
  EXPECT_EQ(mended[0].code, ::geteuid() == 0 ? 3 : 0);
}

TEST(Doctor, ExaminesThisHostWithoutAnItemTwice) {
  const Report report =
      examine({.caller = {.uid = ::geteuid(), .gid = ::getegid(), .user_name = {}}});
  std::vector<std::string> ids;
  for (const Item& item : report.items) {
    EXPECT_FALSE(item.found.empty()) << item.id;
    EXPECT_THAT(ids, testing::Not(testing::Contains(item.id)));
    ids.push_back(item.id);
  }
  EXPECT_THAT(ids, testing::IsSupersetOf({"kernel", "landlock", "user-namespaces", "cgroups"}));
}

}  // namespace
}  // namespace nucleus::doctor
