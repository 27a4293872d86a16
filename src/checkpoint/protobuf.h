// The wire format of protocol buffers, as far as the messages of CRIU's RPC need it:
// variable-length numbers, and fields with a length (texts, and messages in messages).
//
// Source: the encoding chapter of the Protocol Buffers documentation; criu's images/rpc.proto.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace nucleus::checkpoint {

class ProtoWriter {
 public:
  /// A bool, an enum, or an integer; one below 0 is written as its 64-bit value.
  ProtoWriter& number(unsigned field, std::int64_t value);
  /// A string, bytes, or a message that has been written.
  ProtoWriter& text(unsigned field, std::string_view bytes);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

struct ProtoField {
  unsigned field = 0;
  std::uint64_t number = 0;    // of a varint
  std::string_view text = {};  // of what has a length; in the message that was read
};

/// The fields of a message in their order. Those of a fixed length, which no message of ours has,
/// are passed over. Errors: EBADMSG, it ends within a field, or is of a kind that there is none of.
/// Pure.
[[nodiscard]] Result<std::vector<ProtoField>> read_proto(std::string_view message);

}  // namespace nucleus::checkpoint
