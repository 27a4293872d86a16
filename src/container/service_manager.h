// What the service manager that started nucleus is told of a container: sd_notify(3), without its
// library.
#pragma once

#include <string>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

class ServiceManager {
 public:
  ServiceManager() = default;

  /// `address` is what NOTIFY_SOCKET says: an absolute path, or "@NAME" for an abstract one.
  /// Errors: it is neither (Kind::usage); nobody listens there.
  [[nodiscard]] static Result<ServiceManager> open(const std::string& address);

  [[nodiscard]] bool valid() const { return socket_.valid(); }

  /// Lines of KEY=VALUE, in one message. Errors: it does not take it within five seconds.
  [[nodiscard]] Result<> tell(const std::string& lines) const;

 private:
  sys::UniqueFd socket_;
};

}  // namespace nucleus::container
