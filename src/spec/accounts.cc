#include "spec/accounts.h"

#include <array>
#include <charconv>

namespace nucleus::spec {
namespace {

// The next line's fields; the last one takes what is left. False at the end.
template <std::size_t Count>
bool next(std::string_view& text, std::array<std::string_view, Count>& fields) {
  if (text.empty()) return false;
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  for (std::string_view& field : fields) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    field = line.substr(0, colon);
    line.remove_prefix(std::min(colon + 1, line.size()));
  }
  return true;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  // 2^32 - 1 means "no change" to the kernel: nobody's id.
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() ||
      value == UINT32_MAX)
    return std::nullopt;
  return value;
}

}  // namespace

std::optional<Account> find_user(std::string_view passwd, std::string_view user) {
  const auto wanted = number(user);
  std::array<std::string_view, 6> fields;  // name:password:uid:gid:comment:home
  while (next(passwd, fields)) {
    const auto uid = number(fields[2]);
    const auto gid = number(fields[3]);
    if (!uid || !gid) continue;
    if (wanted ? *uid == *wanted : fields[0] == user)
      return Account{.uid = *uid, .gid = *gid, .home = std::string(fields[5])};
  }
  return std::nullopt;
}

std::optional<std::string> user_name(std::string_view passwd, std::uint32_t uid) {
  std::array<std::string_view, 3> fields;  // name:password:uid
  while (next(passwd, fields)) {
    if (number(fields[2]) == uid && !fields[0].empty()) return std::string(fields[0]);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> find_group(std::string_view group, std::string_view name) {
  std::array<std::string_view, 3> fields;  // name:password:gid
  while (next(group, fields)) {
    const auto gid = number(fields[2]);
    if (gid && fields[0] == name) return gid;
  }
  return std::nullopt;
}

}  // namespace nucleus::spec
