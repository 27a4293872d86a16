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

}  // namespace
}  // namespace nucleus
