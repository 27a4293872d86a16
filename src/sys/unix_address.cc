#include "sys/unix_address.h"

#include <algorithm>
#include <cstddef>

namespace nucleus::sys {

// A path ends with a zero; an abstract name begins with one, and has no end but its length.
std::optional<UnixAddress> UnixAddress::make(const std::string& name, bool abstract) {
  if (name.empty() || name.size() > kLongest) return std::nullopt;
  UnixAddress made;
  made.name_.sun_family = AF_UNIX;
  std::ranges::copy(name, made.name_.sun_path + (abstract ? 1 : 0));
  made.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  return made;
}

std::optional<UnixAddress> UnixAddress::at(const std::string& path) { return make(path, false); }

std::optional<UnixAddress> UnixAddress::abstract(const std::string& name) {
  return make(name, true);
}

}  // namespace nucleus::sys
