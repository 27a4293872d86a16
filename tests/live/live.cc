#include "live/live.h"

#include <array>
#include <cstdio>
#include <filesystem>

namespace nucleus::test {

std::string said_by(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return text;
  std::array<char, 256> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) text += piece.data();
  ::pclose(pipe);
  return text;
}

ForEverybodysContainers::~ForEverybodysContainers() {
  const Ended ids = sandbox.call({"ps", "--all", "--quiet"});
  std::vector<std::string> words = {"rm", "--force"};
  std::string id;
  for (const char c : ids.out) {
    if (c != '\n') {
      id += c;
      continue;
    }
    words.push_back(id);
    id.clear();
  }
  if (words.size() > 2) {
    const Ended removed = sandbox.call(words);
    EXPECT_EQ(removed.code, 0) << removed.all();
  }
  std::error_code code;
  if (std::filesystem::exists(sandbox.state() + "/containers", code)) {
    EXPECT_TRUE(std::filesystem::is_empty(sandbox.state() + "/containers", code));
    EXPECT_TRUE(std::filesystem::is_empty(sandbox.state() + "/by-name", code));
  }
}

void ForEverybodysContainers::start(const std::string& name, const std::string& script,
                                    std::vector<std::string> flags) const {
  flags.insert(flags.begin(), {"run", "--detach", "--name", name});
  flags.insert(flags.end(), {"--", "sh", "-c", script});
  const Ended ended = sandbox.call(flags);
  ASSERT_EQ(ended.code, 0) << ended.all();
  ASSERT_EQ(ended.out.size(), 17U) << ended.all();
}

std::string ForEverybodysContainers::about(const std::string& name,
                                           const std::string& member) const {
  const Ended ended = sandbox.call({"inspect", "--format", "{" + member + "}", name});
  EXPECT_EQ(ended.code, 0) << ended.all();
  return ended.out.substr(0, ended.out.find('\n'));
}

bool ForEverybodysContainers::becomes(const std::string& name, const std::string& status) const {
  return eventually([&] { return about(name, "status") == status; });
}

std::string ForEverybodysContainers::logs(const std::string& name) const {
  const Ended ended = sandbox.call({"logs", name});
  EXPECT_EQ(ended.code, 0) << ended.all();
  return ended.out;
}

bool ForEverybodysContainers::says(const std::string& name, const std::string& text) const {
  return eventually([&] { return logs(name).find(text) != std::string::npos; });
}

std::string ForEverybodysContainers::directory(const std::string& name) const {
  return sandbox.state() + "/containers/" + about(name, "id");
}

}  // namespace nucleus::test
