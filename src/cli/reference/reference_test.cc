#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/reference/completion.h"
#include "cli/reference/help.h"
#include "cli/reference/manual.h"

namespace nucleus::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Reference, HelpHasEveryFlagAndAnExample) {
  for (const Verb& verb : kVerbs) {
    const std::string text = help(*verb.text, {});
    EXPECT_THAT(text, HasSubstr(std::string("nucleus ") + verb.text->name));
    for (const config::OptionText& option : verb.text->options)
      EXPECT_THAT(text, HasSubstr(std::string("--") + option.name));
    EXPECT_FALSE(verb.text->examples.empty()) << verb.text->name;
    EXPECT_THAT(help(kVerbs, {}), HasSubstr(verb.text->summary));
  }
}

TEST(Reference, HelpKeepsToTheWidthAndIsBoldOnlyWhenTold) {
  const std::string text = help(kRunText, {.width = 80, .bold = false});
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(help(kRunText, {.width = 80, .bold = true}), HasSubstr("\033[1mExamples:\033[0m"));
  std::size_t at = 0;
  bool examples = false;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    examples = examples || line == "Examples:";
    // A line to be copied is never broken.
    if (!examples) {
      EXPECT_LE(line.size(), 80U) << line;
    }
  }
  EXPECT_TRUE(examples);
}

TEST(Reference, TheManualEscapesWhatRoffWouldTakeForItsOwn) {
  const std::string text = manual(kRunText);
  EXPECT_THAT(text, HasSubstr(".TH NUCLEUS-RUN 1"));
  EXPECT_THAT(text, HasSubstr("\\fB\\-m\\fR, \\fB\\-\\-memory\\fR \\fISIZE\\fR"));
  EXPECT_THAT(text, HasSubstr("\\(aqprint(6 * 7)\\(aq"));
  for (const Verb& verb : kVerbs)
    EXPECT_THAT(manual(kVerbs), HasSubstr(std::string("nucleus\\-") + verb.text->name));
}

TEST(Reference, CompletionsNameEveryVerbAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto text = completion(shell, kVerbs);
    ASSERT_TRUE(text) << shell;
    for (const Verb& verb : kVerbs) {
      EXPECT_THAT(*text, HasSubstr(verb.text->name));
      for (const config::OptionText& option : verb.text->options)
        EXPECT_THAT(*text, HasSubstr(option.name)) << shell;
    }
  }
  EXPECT_EQ(completion("csh", kVerbs), std::nullopt);
}

}  // namespace
}  // namespace nucleus::cli
