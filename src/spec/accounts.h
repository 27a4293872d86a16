// Users and groups of a container's own root: passwd(5), group(5). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nucleus::spec {

struct Account {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
};

/// By name, or by number when `user` is one. Lines that are none are passed over.
[[nodiscard]] std::optional<Account> find_user(std::string_view passwd, std::string_view user);

/// The name that a number has; nothing for none.
[[nodiscard]] std::optional<std::string> user_name(std::string_view passwd, std::uint32_t uid);

[[nodiscard]] std::optional<std::uint32_t> find_group(std::string_view group,
                                                      std::string_view name);

}  // namespace nucleus::spec
