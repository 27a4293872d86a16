#include "audit/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace nucleus::audit {
namespace {

using Words = std::vector<std::string>;

TEST(Redact, ValuesBehindNames) {
  EXPECT_EQ(redacted({"login", "--token=abc", "--user=me", "PASSWORD=x", "--db-password=y=z"}),
            (Words{"login", "--token=[redacted]", "--user=me", "PASSWORD=[redacted]",
                   "--db-password=[redacted]"}));
  EXPECT_EQ(redacted({"--apiKey=1", "--api-key=2", "X_ACCESS_KEY=3", "clientSecret=4"}),
            (Words{"--apiKey=[redacted]", "--api-key=[redacted]", "X_ACCESS_KEY=[redacted]",
                   "clientSecret=[redacted]"}));
}

TEST(Redact, TheWordBehindABareName) {
  EXPECT_EQ(redacted({"--password", "hunter2", "--verbose", "file"}),
            (Words{"--password", "[redacted]", "--verbose", "file"}));
  // A mere switch: what follows is no value.
  EXPECT_EQ(redacted({"--auth", "--port", "80"}), (Words{"--auth", "--port", "80"}));
}

TEST(Redact, HeadersAndScripts) {
  EXPECT_EQ(redacted({"curl", "-H", "Authorization: Bearer abc", "x"}),
            (Words{"curl", "-H", "Authorization: Bearer [redacted]", "x"}));
  EXPECT_EQ(redacted({"sh", "-c", "curl -H \"Authorization: Bearer abc\" --token 'x y' | cat"}),
            (Words{"sh", "-c",
                   "curl -H \"Authorization: Bearer [redacted]\" --token [redacted] y' | cat"}));
  EXPECT_EQ(redacted({"sh", "-c", "TOKEN=abc ./run\nexport SECRET=def"}),
            (Words{"sh", "-c", "TOKEN=[redacted] ./run\nexport SECRET=[redacted]"}));
}

TEST(Redact, Addresses) {
  EXPECT_EQ(redacted_text("https://me:pw@host/a?b=c&token=d&e=f"),
            "https://[redacted]@host/a?b=c&token=[redacted]&e=f");
  EXPECT_EQ(redacted_text("https://host/a@b"), "https://host/a@b");
}

TEST(Redact, WhatOnlyLooksLikeASecretStays) {
  for (const char* word :
       {"--keyboard=de", "tokenizer=fast", "monkey=1", "--author=me", "passive=1", "KEY=1",
        "secretary=2", "compass=3", "--key", "/etc/passwd"})
    EXPECT_EQ(redacted_text(word), word);
  EXPECT_FALSE(names_a_secret("--keep"));
  EXPECT_TRUE(names_a_secret("--private-key"));
}

// Whatever stands around it: the secret itself is never among the words that come back.
TEST(Redact, NoSecretComesThrough) {
  // The same words each time (Numerical Recipes' generator).
  std::uint32_t state = 7;
  const auto random = [&] {
    state = state * 1664525U + 1013904223U;
    return state >> 8;
  };
  const std::string secret = "s3cr3tvalue";
  const Words names = {"token", "password", "api-key", "client_secret", "DB_PASSWORD", "authToken"};
  const Words around = {"run", "--verbose", "a=b", "https://host/x", "x y  z", "", "--", "-"};
  for (int round = 0; round < 2000; ++round) {
    Words words;
    const auto some = [&] {
      for (auto count = random() % 4; count > 0; --count)
        words.push_back(around[random() % around.size()]);
    };
    some();
    const std::string& name = names[random() % names.size()];
    switch (random() % 4) {
      case 0: words.push_back(std::string("--").append(name).append("=").append(secret)); break;
      case 1: words.push_back(std::string(name).append("=").append(secret)); break;
      case 2:
        words.push_back(std::string("--").append(name));
        words.push_back(secret);
        break;
      default:
        words.push_back(std::string("do it with --")
                            .append(name)
                            .append(" ")
                            .append(secret)
                            .append(" and go on"));
        break;
    }
    some();
    const Words out = redacted(words);
    ASSERT_EQ(out.size(), words.size());
    for (const std::string& word : out)
      ASSERT_EQ(word.find(secret), std::string::npos) << testing::PrintToString(words);
  }
}

}  // namespace
}  // namespace nucleus::audit
