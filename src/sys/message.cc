#include "sys/message.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nucleus::sys {
namespace {

constexpr std::size_t kMostControl = CMSG_SPACE(sizeof(int) * kMostFds);

}  // namespace

Result<> send_message(int socket, std::string_view bytes, std::span<const int> fds,
                      const std::string& peer) {
  if (fds.size() > kMostFds) return fail(Kind::runtime, EINVAL, "talk to", peer);
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[kMostControl];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    std::memset(control, 0, header.msg_controllen);
    cmsghdr* const item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(item), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return fail(Kind::runtime, errno, "talk to", peer);
  }
  return {};
}

Result<std::optional<Received>> receive_message(int socket, std::span<char> room,
                                                std::size_t most_fds, const std::string& peer) {
  iovec part{.iov_base = room.data(), .iov_len = room.size()};
  alignas(cmsghdr) char control[kMostControl];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(sizeof(int) * std::min(most_fds, kMostFds));
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    // A peer that has closed with our words unread is told as ECONNRESET, once, before the words of
    // its own that still wait here.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) return fail(Kind::runtime, errno, "hear from", peer);
  Received received;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(item) + index * sizeof number, sizeof number);
      received.fds.emplace_back(number);
    }
  }
  if (got == 0) return std::optional<Received>();
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return fail(Kind::runtime, EMSGSIZE, "understand", peer);
  received.size = static_cast<std::size_t>(got);
  return received;
}

}  // namespace nucleus::sys
