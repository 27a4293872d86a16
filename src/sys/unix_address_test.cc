#include "sys/unix_address.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/unique_fd.h"

namespace nucleus::sys {
namespace {

// The one side binds, the other connects: both mean the same socket.
void expect_meeting(const UnixAddress& address) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(0, ::bind(listener.get(), address.get(), address.size()));
  ASSERT_EQ(0, ::connect(client.get(), address.get(), address.size()));
  ASSERT_EQ(5, ::send(client.get(), "hello", 5, 0));
  char heard[8] = {};
  EXPECT_EQ(5, ::recv(listener.get(), heard, sizeof heard, 0));
  EXPECT_STREQ("hello", heard);
}

TEST(UnixAddress, APathIsASocketThere) {
  char directory[] = "/tmp/nucleus-test-XXXXXX";
  ASSERT_NE(nullptr, ::mkdtemp(directory));
  const std::string path =
      directory + std::string(1, '/') + std::string(UnixAddress::kLongest - sizeof directory, 'p');
  ASSERT_EQ(UnixAddress::kLongest, path.size());
  expect_meeting(*UnixAddress::at(path));
  EXPECT_EQ(0, ::unlink(path.c_str()));
  ::rmdir(directory);
}

TEST(UnixAddress, AnAbstractNameIsAsLongAsItIs) {
  std::string name = "nucleus-test-" + std::to_string(::getpid()) + "-";
  expect_meeting(*UnixAddress::abstract(name));
  name.resize(UnixAddress::kLongest, 'a');
  expect_meeting(*UnixAddress::abstract(name));
}

TEST(UnixAddress, WhatDoesNotFitIsNone) {
  const std::string longer(UnixAddress::kLongest + 1, '/');
  EXPECT_FALSE(UnixAddress::at(longer));
  EXPECT_FALSE(UnixAddress::abstract(longer));
  EXPECT_FALSE(UnixAddress::at(""));
  EXPECT_FALSE(UnixAddress::abstract(""));
}

}  // namespace
}  // namespace nucleus::sys
