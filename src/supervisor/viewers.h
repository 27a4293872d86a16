// Who looks at a container: any number may read what it writes, one may type. None of them can hold
// it up: it waits only for one that takes what it is given, and one that takes nothing is dropped.
#pragma once

#include <array>
#include <list>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/packet.h"
#include "log/writer.h"
#include "supervisor/control_server.h"
#include "supervisor/replay.h"
#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {

class Viewers {
 public:
  using ClientId = ControlServer::ClientId;

  /// `terminal`: the container has one; `input`: it was started to be typed to.
  Viewers(sys::EventLoop& loop, ControlServer& server, bool terminal, bool input)
      : loop_(loop), server_(server), terminal_(terminal), input_(input) {}
  Viewers(const Viewers&) = delete;
  Viewers& operator=(const Viewers&) = delete;
  ~Viewers();

  /// Answers {"terminal":B,"input":B} with a stream socket for standard output and input, and,
  /// without a terminal, one for standard error. At the end {"code":N,...}, with a file of what the
  /// sockets had no room for: "rest" bytes of output, then of error. {"dropped":true} instead to
  /// one that did not read. Errors: EBUSY, another types already.
  [[nodiscard]] Result<> attach(ClientId client, const control::Packet& packet);

  /// The window of this client has another size. That of the last who came is the container's.
  [[nodiscard]] Result<> resize(ClientId client, const control::Packet& packet);

  /// What the container has written.
  void take(log::Stream stream, std::string_view bytes);

  /// It runs; `target` is where to write what is typed: its terminal, a pipe, or -1 for nowhere.
  void begin(int target);
  /// It has ended: what is taken from here on is the last.
  void end();

  /// Whether the container's output is to be left where it is for a moment.
  [[nodiscard]] bool hold_back();

  void client_gone(ClientId client);

  /// `text`: a JSON object that says how.
  void ended(const std::string& text);

 private:
  struct Stream {
    sys::UniqueFd fd;
    std::string pending;
    sys::EventLoop::Id watch = 0;
    short events = 0;
  };
  struct Viewer {
    ClientId client = 0;
    bool types = false;
    bool reads = true;  // it may still say something
    std::uint16_t rows = 0, columns = 0;
    std::array<Stream, 2> streams;
    sys::EventLoop::Clock::time_point moved;  // when it last took something, or had nothing to take
  };
  void send(Viewer& viewer, std::size_t index, std::string_view bytes);
  void flush(Viewer& viewer, Stream& stream);
  void ready(ClientId client, std::size_t index, short events);
  void read_typed(Viewer& viewer);
  void write_typed();
  void choose_events();
  void apply_size() const;
  void drop(const Viewer& viewer);
  [[nodiscard]] Viewer* find(ClientId client);

  sys::EventLoop& loop_;
  ControlServer& server_;
  bool terminal_;
  bool input_;
  Replay replay_;
  std::list<Viewer> viewers_;
  bool live_ = false;
  int target_ = -1;
  sys::EventLoop::Id target_watch_ = 0, patience_ = 0;
  std::string typed_;
};

}  // namespace nucleus::supervisor
