// Columns for people; one line a container by a format of theirs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"

namespace nucleus::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// Control characters are shown as escapes; columns are as wide as what is in them.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// At most `width` characters of UTF-8, the cut shown by "...". 0: all of it.
[[nodiscard]] std::string cut(const std::string& text, std::size_t width);

/// "{{.name}}" or "{name}" stands for the member of that name, "a.b" for one of a member; in any
/// case. Errors: there is no such member, naming those that there are.
[[nodiscard]] Result<std::string> formatted(const std::string& format,
                                            const nlohmann::ordered_json& object);

}  // namespace nucleus::cli
