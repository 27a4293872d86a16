// The terminal in front of nucleus and the one inside: what is typed goes in, what is printed comes
// out, and the one in front is as it was when this ends. termios(3), ioctl_tty(2).
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "container/raw_input.h"
#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

class Terminal {
 public:
  struct Size {
    std::uint16_t rows = 0, columns = 0;
  };

  Terminal() = default;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  /// Gives the terminal in front its settings back. SIGKILL alone can prevent it.
  ~Terminal();

  /// Of the terminal in front; zero when there is none.
  [[nodiscard]] static Size size();

  /// `master` is the container's end. `interactive`: standard input, a terminal, is passed on and
  /// read raw. Waits for the foreground like any program that sets up a terminal (SIGTTOU). Bytes
  /// are moved on `loop` as long as this lives, which must not be longer than the loop.
  Result<> begin(sys::UniqueFd master, bool interactive, sys::EventLoop* loop);
  [[nodiscard]] bool active() const { return master_.valid(); }

  /// The terminal in front has another size, or somebody has stopped and continued nucleus.
  void refresh();

  /// After the container's end: brings out what it has printed. Gives up on a reader who takes
  /// nothing for ten seconds.
  void drain();

  /// Output that was lost, or a terminal that cannot be read any more: nothing while all is well.
  /// A reader who has gone away (EPIPE, a terminal's EIO) wanted no more of it.
  [[nodiscard]] Result<> trouble() const;
  /// Nothing more can be read of it: what is inside would come to wait for ever.
  [[nodiscard]] bool unreadable() const { return read_errnum_ != 0; }

 private:
  void choose_events();
  void on_master(short events);
  void read_input();
  void read_output();
  void write_input();
  void write_output();

  sys::EventLoop* loop_ = nullptr;
  sys::EventLoop::Id master_watch_ = 0, input_watch_ = 0, output_watch_ = 0;
  sys::UniqueFd master_;
  sys::UniqueFd reopened_;
  int output_ = -1;  // standard output, or our own way to it
  bool reads_ = false;
  int read_errnum_ = 0;
  int write_errnum_ = 0;
  bool ended_ = false;  // nobody holds the terminal inside any more
  RawInput raw_;
  std::string to_container_, to_user_;
};

}  // namespace nucleus::container
