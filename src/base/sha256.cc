#include "base/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace nucleus {
namespace {

constexpr std::array<std::uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::uint32_t mixed(std::uint32_t word, int a, int b, int c) {
  return std::rotr(word, a) ^ std::rotr(word, b) ^ std::rotr(word, c);
}

std::string bytes_of(const std::string& digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes += static_cast<char>(value(digits[at]) << 4 | value(digits[at + 1]));
  return bytes;
}

using State = std::array<std::uint32_t, 8>;

void add_block(State& state, const unsigned char* bytes) {
  std::uint32_t schedule[64];
  for (int index = 0; index < 16; ++index) {
    const unsigned char* const at = bytes + std::ptrdiff_t{4} * index;
    schedule[index] = std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 |
                      std::uint32_t{at[2]} << 8 | std::uint32_t{at[3]};
  }
  for (int index = 16; index < 64; ++index) {
    const std::uint32_t before = schedule[index - 15];
    const std::uint32_t last = schedule[index - 2];
    schedule[index] = schedule[index - 16] + schedule[index - 7] +
                      (std::rotr(before, 7) ^ std::rotr(before, 18) ^ before >> 3) +
                      (std::rotr(last, 17) ^ std::rotr(last, 19) ^ last >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t index = 0; index < 64; ++index) {
    const std::uint32_t first =
        h + mixed(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + kRounds[index] + schedule[index];
    const std::uint32_t second = mixed(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::uint32_t words[] = {a, b, c, d, e, f, g, h};
  for (std::size_t index = 0; index < 8; ++index) state[index] += words[index];
}

#if defined(__x86_64__)

// Asking costs microseconds in a virtual machine, so that it is done when there is much to do.
bool has_instructions() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kSsse3 = 1U << 9, kSse41 = 1U << 19, kSha = 1U << 29;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSsse3) == 0 || (c & kSse41) == 0) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & kSha) != 0;
  }();
  return has;
}

// The instructions want the eight words as two vectors, A B E F and C D G H, and do two rounds
// each. Intel's manual, volume 2: SHA256RNDS2, SHA256MSG1, SHA256MSG2.
__attribute__((target("sha,sse4.1,ssse3"))) void add_blocks(State& state,
                                                            const unsigned char* bytes,
                                                            std::size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0C0D0E0F08090A0BLL, 0x0405060700010203LL);
  const auto load = [](const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  };
  const __m128i badc = _mm_shuffle_epi32(load(state.data()), 0xB1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state.data() + 4), 0x1B);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
  for (; count > 0; --count, bytes += 64) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i words[4];
    for (int index = 0; index < 4; ++index)
      words[index] = _mm_shuffle_epi8(load(bytes + std::ptrdiff_t{16} * index), big_endian);
#pragma GCC unroll 16
    for (int four = 0; four < 16; ++four) {
      __m128i& now = words[four % 4];
      __m128i sum = _mm_add_epi32(now, load(kRounds.data() + std::ptrdiff_t{4} * four));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      sum = _mm_shuffle_epi32(sum, 0x0E);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, sum);
      if (four >= 12) continue;
      const __m128i last = words[(four + 3) % 4];
      const __m128i seven_back = _mm_alignr_epi8(last, words[(four + 2) % 4], 4);
      now = _mm_sha256msg1_epu32(now, words[(four + 1) % 4]);
      now = _mm_sha256msg2_epu32(_mm_add_epi32(now, seven_back), last);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  const auto store = [](void* to, __m128i value) {
    _mm_storeu_si128(static_cast<__m128i*>(to), value);
  };
  store(state.data(), _mm_blend_epi16(feba, dchg, 0xF0));
  store(state.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
}

#endif

}  // namespace

void Sha256::blocks(const unsigned char* bytes, std::size_t count) {
#if defined(__x86_64__)
  constexpr std::size_t kMuch = 64;
  if (count >= kMuch && has_instructions()) return add_blocks(state_, bytes, count);
#endif
  for (; count > 0; --count, bytes += 64) add_block(state_, bytes);
}

void Sha256::add(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  const std::size_t waiting = size_ % rest_.size();
  size_ += left;
  if (waiting != 0) {
    const std::size_t taken = std::min(left, rest_.size() - waiting);
    std::memcpy(rest_.data() + waiting, at, taken);
    at += taken;
    left -= taken;
    if (waiting + taken < rest_.size()) return;
    blocks(rest_.data(), 1);
  }
  const std::size_t whole = left / rest_.size();
  blocks(at, whole);
  at += whole * rest_.size();
  left -= whole * rest_.size();
  if (left != 0) std::memcpy(rest_.data(), at, left);
}

std::string Sha256::finish() {
  const std::uint64_t bits = size_ * 8;
  std::string end(1, '\x80');
  end.resize(1 + (119 - size_ % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) end += static_cast<char>(bits >> shift & 0xFF);
  add(end);
  std::string digits;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) digits += "0123456789abcdef"[word >> shift & 15];
  }
  return digits;
}

HmacSha256::HmacSha256(std::string_view key) {
  constexpr std::size_t kBlock = 64;
  std::string padded(key);
  if (key.size() > kBlock) {
    Sha256 shorter;
    shorter.add(key);
    padded = bytes_of(shorter.finish());
  }
  padded.resize(kBlock, '\0');
  const auto with = [&](char pad) {
    std::string block = padded;
    for (char& byte : block) byte = static_cast<char>(byte ^ pad);
    return block;
  };
  inner_.add(with('\x36'));
  outer_.add(with('\x5c'));
}

std::string HmacSha256::finish() {
  outer_.add(bytes_of(inner_.finish()));
  return outer_.finish();
}

bool same_in_constant_time(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  volatile unsigned char different = 0;
  for (std::size_t at = 0; at < one.size(); ++at)
    different = static_cast<unsigned char>(different | (one[at] ^ other[at]));
  return different == 0;
}

}  // namespace nucleus
