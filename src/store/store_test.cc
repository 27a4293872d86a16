#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "store/names.h"

namespace nucleus::store {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string made = testing::TempDir() + "nucleus-store-XXXXXX";
    root_ = ::mkdtemp(made.data());
    ::mkdir((root_ + "/by-name").c_str(), 0700);
    ::mkdir((root_ + "/state").c_str(), 0700);
  }
  ~StoreTest() override { std::filesystem::remove_all(root_); }

  Result<Held> make(const std::string& id, const std::string& name) const {
    Entry entry;
    entry.id = id;
    entry.name = name;
    entry.command = {"true"};
    return Store(root_).create(entry, {});
  }

  std::string root_;
};

const std::string kOne = "0123456789abcdef";
const std::string kTwo = "0123ffffffffffff";

TEST_F(StoreTest, ARecordIsFoundByNameIdAndPrefix) {
  const Store store(root_);
  const auto one = make(kOne, "web");
  const auto two = make(kTwo, "");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(store.resolve("web").value_or(""), kOne);
  EXPECT_EQ(store.resolve(kTwo).value_or(""), kTwo);
  EXPECT_EQ(store.resolve("01234").value_or(""), kOne);
  EXPECT_THAT(store.resolve("0123").error().text(), HasSubstr("write more"));
  EXPECT_THAT(store.resolve("012").error().text(), HasSubstr("find the container"));
  EXPECT_FALSE(store.resolve("../state"));
  EXPECT_FALSE(store.resolve(""));
}

TEST_F(StoreTest, ANameIsTakenOnce) {
  const auto one = make(kOne, "web");
  const auto two = make(kTwo, "web");
  ASSERT_TRUE(one);
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().errnum, EEXIST);
  EXPECT_THAT(two.error().text(), HasSubstr(kOne));
  EXPECT_EQ(Store(root_).list().size(), 1U);
  EXPECT_EQ(name_holder(root_, "web"), kOne);
}

TEST_F(StoreTest, OnlyMovesOfTheTableAreMade) {
  auto held = make(kOne, "");
  ASSERT_TRUE(held);
  const auto nothing = [](Entry&) {};
  EXPECT_THAT(held->become(Status::paused, nothing).error().text(), HasSubstr("it is creating"));
  EXPECT_TRUE(held->become(Status::running, [](Entry& entry) { entry.pid = 7; }));
  EXPECT_TRUE(held->become(Status::paused, nothing));
  EXPECT_FALSE(held->become(Status::created, nothing));
  EXPECT_TRUE(held->become(Status::stopped, nothing));
  EXPECT_EQ(Store(root_).read(kOne).entry->status, Status::stopped);
  EXPECT_EQ(Store(root_).read(kOne).entry->pid, 7);
}

TEST_F(StoreTest, ALivingOneThatNobodyHoldsIsLost) {
  const Store store(root_);
  {
    auto held = make(kOne, "web");
    ASSERT_TRUE(held && held->become(Status::running, [](Entry&) {}));
    EXPECT_FALSE(store.read(kOne).lost);
    EXPECT_EQ(store.hold(kOne).error().errnum, EBUSY);
  }
  EXPECT_TRUE(store.read(kOne).lost);
  auto taken = store.hold(kOne);
  ASSERT_TRUE(taken) << taken.error().text();
  taken->remove();
  EXPECT_TRUE(store.list().empty());
  EXPECT_EQ(name_holder(root_, "web"), "");
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/containers"));
}

TEST_F(StoreTest, ABadRecordHidesNoOther) {
  const auto one = make(kOne, "");
  const auto two = make(kTwo, "");
  ASSERT_TRUE(one && two);
  const std::string path = root_ + "/containers/" + kOne + "/record.json";
  const Store store(root_);
  for (const char* text : {"", "{", "{\"version\":1}", "{\"version\":99}", "[]"}) {
    std::ofstream(path) << text;
    const auto all = store.list();
    ASSERT_EQ(all.size(), 2U);
    const Listed& bad = all[0].id == kOne ? all[0] : all[1];
    ASSERT_TRUE(bad.error) << text;
    EXPECT_THAT(bad.error->text(), HasSubstr(path));
    EXPECT_TRUE(store.read(kTwo).entry);
  }
  EXPECT_THAT(store.read(kOne).error->text(), HasSubstr("version"));
}

TEST_F(StoreTest, ANewNameReplacesTheOld) {
  const Store store(root_);
  auto one = make(kOne, "web");
  const auto two = make(kTwo, "db");
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(store.rename(*one, "db"));
  ASSERT_TRUE(store.rename(*one, "www"));
  EXPECT_EQ(store.resolve("www").value_or(""), kOne);
  EXPECT_FALSE(store.resolve("web"));
  EXPECT_EQ(store.read(kOne).entry->name, "www");
}

}  // namespace
}  // namespace nucleus::store
