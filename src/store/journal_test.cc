#include "store/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace nucleus::store {
namespace {

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string made = testing::TempDir() + "nucleus-journal-XXXXXX";
    root = ::mkdtemp(made.data());
  }
  ~JournalTest() override { std::filesystem::remove_all(root); }

  static Event event(const std::string& name) {
    return {.time = "", .event = name, .id = "0123456789abcdef", .name = "web", .attributes = {}};
  }
  std::vector<std::string> more(JournalReader& reader) const {
    std::vector<std::string> found;
    EXPECT_TRUE(reader.more([&](const Event& one) { found.push_back(one.event); }));
    return found;
  }
  std::string root;
};

TEST_F(JournalTest, AnEventComesBackAsItWent) {
  Event one = event("die");
  one.name = "we\"b\n\xff";
  one.attributes = {{"code", "1"}, {"reason", "exited"}};
  ASSERT_TRUE(Journal(root).append(one));
  JournalReader reader(root);
  std::vector<Event> found;
  ASSERT_TRUE(reader.more([&](const Event& each) { found.push_back(each); }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].event, "die");
  EXPECT_EQ(found[0].name, "we\"b\n\xEF\xBF\xBD");
  EXPECT_EQ(found[0].attributes, one.attributes);
  EXPECT_EQ(found[0].time.size(), 27U);
  struct stat info{};
  ASSERT_EQ(::stat((root + "/events.jsonl").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(JournalTest, NoJournalIsNoError) {
  JournalReader reader(root);
  EXPECT_THAT(more(reader), testing::IsEmpty());
  ASSERT_TRUE(Journal(root).append(event("create")));
  EXPECT_THAT(more(reader), testing::ElementsAre("create"));
  EXPECT_THAT(more(reader), testing::IsEmpty());
}

TEST_F(JournalTest, ItIsBoundedAndAReaderMissesNothingOfAnyTurn) {
  const Journal journal(root, 400);  // some three events a file
  JournalReader reader(root);
  std::vector<std::string> all;
  for (int count = 0; count < 40; ++count) {
    ASSERT_TRUE(journal.append(event(std::to_string(count))));
    if (count % 3 != 2) continue;
    for (const std::string& one : more(reader)) all.push_back(one);
  }
  for (const std::string& one : more(reader)) all.push_back(one);
  ASSERT_EQ(all.size(), 40U);
  for (int count = 0; count < 40; ++count)
    EXPECT_EQ(all[static_cast<std::size_t>(count)], std::to_string(count));
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(root)) bytes += file.file_size();
  EXPECT_LE(bytes, 1200U);
  // A new reader begins with the oldest that is kept.
  JournalReader late(root);
  const auto kept = more(late);
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.back(), "39");
  EXPECT_LT(kept.size(), 40U);
}

TEST_F(JournalTest, WhatACrashHasCutShortHidesNothing) {
  std::ofstream(root + "/events.jsonl") << "{\"time\":\"2026";
  ASSERT_TRUE(Journal(root).append(event("start")));
  std::ofstream(root + "/events.jsonl", std::ios::app) << "nonsense\n[]\n{\"time\":1}\n";
  ASSERT_TRUE(Journal(root).append(event("die")));
  JournalReader reader(root);
  EXPECT_THAT(more(reader), testing::ElementsAre("start", "die"));
}

TEST_F(JournalTest, SeveralWritersAndEveryLineIsWholeAndInOrder) {
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      for (int count = 0; count < 50; ++count) EXPECT_TRUE(Journal(root).append(event("start")));
    });
  }
  writers.clear();
  JournalReader reader(root);
  std::vector<std::string> times;
  ASSERT_TRUE(reader.more([&](const Event& one) { times.push_back(one.time); }));
  EXPECT_EQ(times.size(), 200U);
  EXPECT_TRUE(std::ranges::is_sorted(times));
}

TEST_F(JournalTest, ALinkIsNotFollowed) {
  std::filesystem::create_symlink("/dev/null", root + "/events.jsonl");
  EXPECT_FALSE(Journal(root).append(event("start")));
}

}  // namespace
}  // namespace nucleus::store
