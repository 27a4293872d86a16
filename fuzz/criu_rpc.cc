// What CRIU answers by its RPC. Its processes come from there: none may be one that cannot be.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "checkpoint/protobuf.h"
#include "checkpoint/rpc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto answer = nucleus::checkpoint::rpc_answer(bytes);
  if (answer && (answer->pid < 0 || answer->step.size() + answer->message.size() > size))
    std::abort();
  const auto fields = nucleus::checkpoint::read_proto(bytes);
  if (answer && !fields) std::abort();
  return 0;
}
