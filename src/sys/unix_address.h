// Names of Unix sockets: unix(7).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>

namespace nucleus::sys {

class UnixAddress {
 public:
  /// The most bytes that a name may have.
  static constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;

  /// A socket in the file system. Nothing when the path is empty or too long.
  [[nodiscard]] static std::optional<UnixAddress> at(const std::string& path);

  /// An abstract one, which no file stands for and any byte may be in. Nothing when the name is
  /// empty or too long.
  [[nodiscard]] static std::optional<UnixAddress> abstract(const std::string& name);

  /// For bind(2) and connect(2).
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name_); }
  [[nodiscard]] socklen_t size() const { return size_; }

 private:
  static std::optional<UnixAddress> make(const std::string& name, bool abstract);

  sockaddr_un name_{};
  socklen_t size_ = 0;
};

}  // namespace nucleus::sys
