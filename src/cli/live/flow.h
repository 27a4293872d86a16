// Bytes from one descriptor to another, on an event loop: one buffer, and nothing read before it is
// written.
#pragma once

#include <functional>
#include <string>

#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace nucleus::cli {

class Flow {
 public:
  /// May change what is on its way.
  using Filter = std::function<void(std::string&)>;

  /// `to` is a socket of ours, or a standard stream, which is shared with others: it never gets
  /// O_NONBLOCK, but is opened once more where it could block.
  Flow(sys::EventLoop& loop, int from, int to, Filter filter = {});
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow();

  /// After the loop: brings over what is left until the end of `from`. Gives up on a reader who
  /// takes nothing for ten seconds.
  void drain();

  /// Behind all that has flown, with the same patience.
  void add(std::string_view bytes);

 private:
  void read();
  void write();
  void choose_events();

  sys::EventLoop& loop_;
  int from_, to_;
  Filter filter_;
  sys::UniqueFd reopened_;
  sys::EventLoop::Id from_watch_ = 0, to_watch_ = 0;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace nucleus::cli
