#include "config/run_options.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

namespace nucleus::config {
namespace {

TEST(RunOptions, EveryOneHasWordsAndAPlaceOfItsOwn) {
  const auto texts = run_option_texts();
  const auto options = run_options();
  ASSERT_EQ(texts.size(), options.size());
  std::set<std::string> names;
  std::set<char> letters;
  std::set<std::string> groups;
  std::string group;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const OptionText& text = texts[index];
    EXPECT_TRUE(names.insert(text.name).second) << text.name;
    if (text.letter != 0) {
      EXPECT_TRUE(letters.insert(text.letter).second) << text.letter;
    }
    ASSERT_NE(text.help[0], '\0') << text.name;
    EXPECT_NE(std::string(text.help).back(), '.') << text.name;
    if (group != text.group) {
      EXPECT_TRUE(groups.insert(text.group).second) << "the group " << text.group << " comes twice";
    }
    group = text.group;
    Request request;
    with_member(options[index].into, request, [&](auto& member) {
      using T = std::remove_cvref_t<decltype(member)>;
      const bool is_switch = std::is_same_v<T, std::optional<bool>>;
      EXPECT_EQ(is_switch, text.form[0] == '\0') << text.name;
      if constexpr (std::is_same_v<T, std::optional<bool>>) {
        member = true;
      } else if constexpr (std::is_same_v<T, std::optional<std::string>>) {
        member = "x";
      } else {
        member = {"x"};
      }
    });
    // One and only one option sees what was written: two rows never share a member.
    std::size_t seen = 0;
    for (const RunOption& option : options) seen += values_of(option, request).empty() ? 0U : 1U;
    EXPECT_EQ(seen, 1U) << text.name;
  }
}

}  // namespace
}  // namespace nucleus::config
