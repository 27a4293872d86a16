// The output of a container as entries of systemd's journal, in its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL), without its library: a datagram for each line, with
// the fields that Docker and Podman write, so that `journalctl CONTAINER_NAME=web` finds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "log/pieces.h"
#include "log/sink.h"
#include "sys/unique_fd.h"

namespace nucleus::log {

class Journal : public Sink {
 public:
  struct Options {
    std::string socket;  // of journald; a path
    std::string id;      // the container's
    std::string name;    // may be empty
  };

  /// Errors: nobody listens there.
  [[nodiscard]] static Result<Journal> open(Options options);

  /// A container never waits for a journal that does not read: after a twentieth of a second what
  /// it says is lost, until the journal takes some again.
  void take(Stream stream, std::string_view bytes) override;
  void flush() override;
  void renamed(const std::string& name) override;

  /// Lines that could not be handed over, so far.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  [[nodiscard]] Result<> connect();
  void write_fields();
  void line(Stream stream, std::string_view text);
  [[nodiscard]] bool send(const std::string& entry);

  Options options_;
  sys::UniqueFd socket_;
  std::string fields_;  // what each entry has besides its own
  Pieces pieces_;
  bool stuck_ = false;  // the last one was lost
  std::uint64_t lost_ = 0;
};

/// One entry in the native protocol: `fields` are whole lines; `text` may end in a newline, which
/// is left out, and else is a piece of a longer line.
[[nodiscard]] std::string journal_entry(Stream stream, std::string_view text,
                                        const std::string& fields);

}  // namespace nucleus::log
