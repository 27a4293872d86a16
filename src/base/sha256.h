// SHA-256 (FIPS 180-4), for telling whether two things are the same.
//
// Small and of its own: a library's initialisation would be paid by every start of a static
// program. Much at once is hashed with the processor's own instructions, where it has them (x86 SHA
// extensions): as fast as a library does it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nucleus {

class Sha256 {
 public:
  void add(std::string_view bytes);

  /// The digest of all that was added, as 64 hexadecimal digits. Call once, last.
  [[nodiscard]] std::string finish();

 private:
  void blocks(const unsigned char* bytes, std::size_t count);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> rest_ = {};
  std::uint64_t size_ = 0;  // of everything, in bytes
};

/// HMAC-SHA-256: RFC 2104, FIPS 198-1.
class HmacSha256 {
 public:
  /// Of any length; one of more than 64 bytes counts as its digest.
  explicit HmacSha256(std::string_view key);

  void add(std::string_view bytes) { inner_.add(bytes); }

  /// 64 hexadecimal digits. Call once, last.
  [[nodiscard]] std::string finish();

 private:
  Sha256 inner_, outer_;
};

/// Whether two texts are the same, in a time that does not tell where they differ.
[[nodiscard]] bool same_in_constant_time(std::string_view one, std::string_view other);

}  // namespace nucleus
