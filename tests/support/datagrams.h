// A Unix socket that takes datagrams, in the place of a service manager or of systemd's journal.
#pragma once

#include <string>

namespace nucleus::test {

class Datagrams {
 public:
  Datagrams() = default;
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;
  ~Datagrams();

  /// At a path, where everybody may write to it, or at "@NAME". Fails the test when it cannot.
  void listen(const std::string& address);
  /// The next one; empty when none comes within a minute.
  [[nodiscard]] std::string hear() const;
  /// Whether there is nothing (more) to hear.
  [[nodiscard]] bool silent() const;

 private:
  int socket_ = -1;
};

}  // namespace nucleus::test
