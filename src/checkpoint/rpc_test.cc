#include "checkpoint/rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "checkpoint/protobuf.h"

namespace nucleus::checkpoint {
namespace {

using testing::ElementsAre;
using namespace std::string_literals;

// The example of the encoding chapter: field 1 is 150; field 2 is "testing".
TEST(Protobuf, IsWrittenAsItsDocumentationShows) {
  EXPECT_EQ(ProtoWriter().number(1, 150).bytes(), "\x08\x96\x01"s);
  EXPECT_EQ(ProtoWriter().text(2, "testing").bytes(), "\x12\x07testing"s);
  EXPECT_EQ(ProtoWriter().number(1, -2).bytes(), "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);
  EXPECT_EQ(ProtoWriter().number(69, 1).bytes(), "\xa8\x04\x01"s);
}

TEST(Protobuf, IsReadAsItWasWritten) {
  const std::string inner = ProtoWriter().text(1, "post-dump").number(2, 1234).bytes();
  const std::string bytes = ProtoWriter().number(1, 6).text(5, inner).number(69, -1).bytes();
  const auto fields = read_proto(bytes);
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 3U);
  EXPECT_EQ((*fields)[0].number, 6U);
  EXPECT_EQ((*fields)[1].text, inner);
  EXPECT_EQ((*fields)[2].field, 69U);
  EXPECT_EQ((*fields)[2].number, ~0ULL);
  EXPECT_TRUE(read_proto("")->empty());
  // What has a fixed length is passed over.
  EXPECT_EQ(read_proto("\x09"
                       "12345678"
                       "\x0d"
                       "1234"
                       "\x10\x07"s)
                ->size(),
            1U);
}

TEST(Protobuf, WhatIsBrokenIsRefused) {
  const std::string good = ProtoWriter().number(1, 300).text(5, "text").bytes();
  for (std::size_t size = 1; size < good.size(); ++size) {
    if (size == 3) continue;  // the first field is whole
    EXPECT_EQ(read_proto(good.substr(0, size)).error().errnum, EBADMSG) << size;
  }
  EXPECT_FALSE(read_proto("\x00\x01"s));                                          // field 0
  EXPECT_FALSE(read_proto("\x0b\x0c"s));                                          // a group
  EXPECT_FALSE(read_proto("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s));  // too long
  EXPECT_FALSE(read_proto("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"s));     // past the end
}

std::vector<std::string> external_of(std::string_view request) {
  std::vector<std::string> found;
  const auto fields = read_proto(request);
  const auto options = read_proto((*fields)[1].text);
  for (const ProtoField& field : *options) {
    if (field.field == 37) found.emplace_back(field.text);
  }
  return found;
}

TEST(Rpc, WhatIsAskedHasItsNumbers) {
  EXPECT_EQ(rpc_request(RpcType::version, {}), "\x08\x0a"s);
  EXPECT_EQ(rpc_notified(true), "\x08\x06\x18\x01"s);
  EXPECT_EQ(rpc_notified(false), "\x08\x06\x18\x00"s);
  RpcOptions options{.images_dir_fd = 5,
                     .work_dir_fd = 6,
                     .pid = 300,
                     .log_file = "dump.log",
                     .external = {"mnt[/a]:/a", "mnt[/b]:/b"},
                     .inherit_fds = {{"pipe:[7]", 4}},
                     .leave_stopped = true,
                     .rst_sibling = true,
                     .network_lock = NetworkLock::skip};
  const std::string request = rpc_request(RpcType::dump, options);
  EXPECT_THAT(external_of(request), ElementsAre("mnt[/a]:/a", "mnt[/b]:/b"));
  EXPECT_EQ(request,
            "\x08\x01\x12\x49"
            "\x08\x05\x88\x01\x06\x10\xac\x02"
            "\xa8\x04\x01\xd0\x01\x01"
            "\x48\x04\x52\x08"
            "dump.log"
            "\xda\x01\x0c\x0a\x08pipe:[7]\x10\x04"
            "\xaa\x02\x0amnt[/a]:/a\xaa\x02\x0amnt[/b]:/b"
            "\x90\x02\x00\x80\x04\x03"s);
}

TEST(Rpc, WhatIsAnsweredIsUnderstood) {
  const auto notice =
      rpc_answer(ProtoWriter()
                     .number(1, 6)
                     .number(2, 1)
                     .text(5, ProtoWriter().text(1, "pre-resume").number(2, 42).bytes())
                     .bytes());
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->type, RpcType::notify);
  EXPECT_EQ(notice->step, "pre-resume");
  EXPECT_EQ(notice->pid, 42);
  const auto restored =
      rpc_answer(ProtoWriter().number(1, 2).number(2, 1).text(4, "\x08\x2a").bytes());
  EXPECT_TRUE(restored->success);
  EXPECT_EQ(restored->pid, 42);
  const auto failed = rpc_answer(ProtoWriter().number(1, 1).number(2, 0).number(7, 17).bytes());
  EXPECT_FALSE(failed->success);
  EXPECT_EQ(failed->errnum, 17);
  // A process that cannot be is none: it would be signalled.
  EXPECT_EQ(rpc_answer(ProtoWriter().text(4, ProtoWriter().number(1, -1).bytes()).bytes())->pid, 0);
  EXPECT_FALSE(rpc_answer("\x22\x01\x08"s));
}

}  // namespace
}  // namespace nucleus::checkpoint
