// What a workload tells of itself, as sd_notify(3) has it: heard at the socket that its root has.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

/// One message. What is not named here is not listened to: MAINPID would name a process of another
/// namespace, FDSTORE and BARRIER pass descriptors, which are not taken.
struct Notice {
  bool ready = false, watchdog = false;
  std::optional<std::string> status;  // fit for a terminal, at most 256 bytes
  std::string lines;                  // all that a service manager may hear of it, as lines
};

/// Whatever is no such line is passed over.
[[nodiscard]] Notice parse_notice(std::string_view message);

/// Reads the socket as long as it lives. Only processes of the container can reach it: its path is
/// in their root alone.
class Notices {
 public:
  using Heard = std::function<void(const Notice&)>;

  /// `socket` does not block.
  Notices(sys::EventLoop& loop, sys::UniqueFd socket, Heard heard);
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;
  ~Notices() { loop_.unwatch(watch_); }

  /// What waits to be read, but not for ever.
  void read();

 private:
  sys::EventLoop& loop_;
  sys::UniqueFd socket_;
  Heard heard_;
  sys::EventLoop::Id watch_ = 0;
};

}  // namespace nucleus::container
