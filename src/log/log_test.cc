#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "log/reader.h"
#include "log/writer.h"

namespace nucleus::log {
namespace {

using testing::ElementsAre;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string made = testing::TempDir() + "nucleus-log-XXXXXX";
    directory_ = ::mkdtemp(made.data());
    fd_ = sys::UniqueFd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~LogTest() override { std::filesystem::remove_all(directory_); }

  Writer writer(Writer::Options options = {}) const {
    auto opened = Writer::open(fd_.get(), options);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }

  std::vector<std::string> read(const Selection& selection = {}) const {
    std::vector<std::string> lines;
    Reader reader(directory_);
    EXPECT_TRUE(
        reader.read(selection, [&](const Record& record) { lines.push_back(record.text); }));
    return lines;
  }

  std::string directory_;
  sys::UniqueFd fd_;
};

TEST_F(LogTest, BytesComeBackAsTheyWent) {
  Writer log = writer();
  const std::string all = [] {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
      if (byte != '\n') bytes += static_cast<char>(byte);
    }
    return bytes + "\n";
  }();
  log.take(Stream::out, "plain \"quoted\" \\ tab\t\x01 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n");
  log.take(Stream::err, all);
  log.take(Stream::out, "half ");
  log.take(Stream::out, "a line\nand ");
  log.flush();
  EXPECT_THAT(read(),
              ElementsAre("plain \"quoted\" \\ tab\t\x01 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n",
                          all, "half a line\n", "and "));
  EXPECT_THAT(read({.tail = 1, .since = {}, .until = {}, .stream = {}}), ElementsAre("and "));
  EXPECT_THAT(read({.tail = {}, .since = {}, .until = {}, .stream = Stream::err}),
              ElementsAre(all));
  EXPECT_THAT(read({.tail = {}, .since = "2999", .until = {}, .stream = {}}), ElementsAre());
}

TEST_F(LogTest, TheFilesAreBoundedAndTheOldestGoes) {
  Writer log = writer({.size = 4096, .files = 3});
  for (int number = 0; number < 1000; ++number)
    log.take(Stream::out, "line " + std::to_string(number) + "\n");
  std::uint64_t bytes = 0;
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    bytes += file.file_size();
    ++files;
  }
  EXPECT_EQ(files, 3U);
  EXPECT_LE(bytes, 3U * 4096U);
  const auto lines = read();
  ASSERT_GT(lines.size(), 50U);
  EXPECT_EQ(lines.back(), "line 999\n");
  const std::size_t first = 1000 - lines.size();
  EXPECT_EQ(lines.front(), "line " + std::to_string(first) + "\n");
}

TEST_F(LogTest, ALongLineComesInPieces) {
  Writer log = writer();
  const std::string text(200'000, 'x');
  log.take(Stream::out, text + "\n");
  std::string whole;
  const auto lines = read();
  for (const std::string& line : lines) whole += line;
  EXPECT_EQ(whole, text + "\n");
  EXPECT_GT(lines.size(), 3U);
}

TEST_F(LogTest, AFollowerMissesNothingWhenAFileIsTurnedOver) {
  Writer log = writer({.size = 4096, .files = 2});
  log.take(Stream::out, "0\n");
  Reader reader(directory_);
  std::vector<std::string> seen;
  const auto take = [&](const Record& record) { seen.push_back(record.text); };
  ASSERT_TRUE(reader.read({}, take));
  for (int number = 1; number < 500; ++number) {
    log.take(Stream::out, std::to_string(number) + "\n");
    if (number % 7 == 0) {
      ASSERT_TRUE(reader.more({}, take));
    }
  }
  ASSERT_TRUE(reader.more({}, take));
  ASSERT_EQ(seen.size(), 500U);
  for (int number = 0; number < 500; ++number)
    EXPECT_EQ(seen[static_cast<std::size_t>(number)], std::to_string(number) + "\n");
}

TEST(LogTime, IsTakenInThreeForms) {
  EXPECT_EQ(parse_time("--since", "2026-11-25T22:59:32Z").value_or(""), "2026-11-25T22:59:32");
  EXPECT_EQ(parse_time("--since", "1000000000").value_or(""), "2001-09-09T01:46:40");
  EXPECT_TRUE(parse_time("--since", "10m"));
  EXPECT_FALSE(parse_time("--since", "yesterday"));
}

}  // namespace
}  // namespace nucleus::log
