#include "base/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

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

}  // namespace

void Sha256::block(const unsigned char* bytes) {
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
  auto [a, b, c, d, e, f, g, h] = state_;
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
  for (std::size_t index = 0; index < 8; ++index) state_[index] += words[index];
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
    block(rest_.data());
  }
  for (; left >= rest_.size(); at += rest_.size(), left -= rest_.size()) block(at);
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

}  // namespace nucleus
