#include "base/sha256.h"

#include <gtest/gtest.h>

namespace nucleus {
namespace {

std::string digest(std::string_view text) {
  Sha256 sum;
  sum.add(text);
  return sum.finish();
}

// The examples that NIST publishes with FIPS 180-4.
TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowItIsFed) {
  const std::string text(500, 'x');
  for (std::size_t size = 0; size <= 200; ++size) {
    const std::string whole = text.substr(0, size);
    for (const std::size_t cut : {std::size_t{0}, size / 3, size / 2, size}) {
      Sha256 sum;
      sum.add(std::string_view(whole).substr(0, cut));
      sum.add(std::string_view(whole).substr(cut));
      EXPECT_EQ(sum.finish(), digest(whole)) << size << " cut at " << cut;
    }
  }
}

// Little at a time goes another way than much at once.
TEST(Sha256, MuchAtOnceIsTheSameAsLittle) {
  std::string text;
  for (unsigned at = 0; at < 100'000; ++at) text += static_cast<char>(at * 2654435761U >> 13);
  Sha256 little;
  for (std::size_t at = 0; at < text.size(); at += 1000)
    little.add(std::string_view(text).substr(at, 1000));
  EXPECT_EQ(little.finish(), digest(text));
}

std::string mac(std::string_view key, std::string_view text) {
  HmacSha256 sum(key);
  sum.add(text);
  return sum.finish();
}

// Those of RFC 4231.
TEST(HmacSha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(mac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(mac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(mac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TextsAreComparedWhole) {
  EXPECT_TRUE(same_in_constant_time("abc", "abc"));
  EXPECT_FALSE(same_in_constant_time("abc", "abd"));
  EXPECT_FALSE(same_in_constant_time("abc", "ab"));
  EXPECT_TRUE(same_in_constant_time("", ""));
}

}  // namespace
}  // namespace nucleus
