#include "checkpoint/protobuf.h"

#include <cerrno>
#include <optional>

namespace nucleus::checkpoint {
namespace {

enum Wire : unsigned { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

constexpr unsigned kMostField = (1U << 29) - 1;

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

void ProtoWriter::varint(std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80U));
  bytes_.push_back(static_cast<char>(value));
}

ProtoWriter& ProtoWriter::number(unsigned field, std::int64_t value) {
  varint((std::uint64_t{field} << 3) | kVarint);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

ProtoWriter& ProtoWriter::text(unsigned field, std::string_view bytes) {
  varint((std::uint64_t{field} << 3) | kLength);
  varint(bytes.size());
  bytes_.append(bytes);
  return *this;
}

Result<std::vector<ProtoField>> read_proto(std::string_view message) {
  const auto broken = [] { return fail(Kind::runtime, EBADMSG, "understand", "CRIU's answer"); };
  std::vector<ProtoField> fields;
  std::string_view rest = message;
  while (!rest.empty()) {
    const auto tag = take_varint(rest);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > kMostField) return broken();
    ProtoField field{.field = static_cast<unsigned>(*tag >> 3)};
    const auto wire = static_cast<unsigned>(*tag & 7U);
    if (wire == kVarint) {
      const auto value = take_varint(rest);
      if (!value) return broken();
      field.number = *value;
    } else if (wire == kLength) {
      const auto length = take_varint(rest);
      if (!length || *length > rest.size()) return broken();
      field.text = rest.substr(0, *length);
      rest.remove_prefix(*length);
    } else if (wire == kFixed64 || wire == kFixed32) {
      const std::size_t length = wire == kFixed64 ? 8 : 4;
      if (rest.size() < length) return broken();
      rest.remove_prefix(length);
      continue;
    } else {
      return broken();
    }
    fields.push_back(field);
  }
  return fields;
}

}  // namespace nucleus::checkpoint
