#include "cli/live/table.h"

#include <algorithm>
#include <cctype>

#include "cli/print.h"

namespace nucleus::cli {
namespace {

using Json = nlohmann::ordered_json;

// Characters, not bytes: what follows a first byte of UTF-8 takes no room of its own.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0U) != 0x80U; }));
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

const Json* member(const Json& object, const std::string& path) {
  const Json* at = &object;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = lower(path.substr(begin, end - begin));
    if (!at->is_object()) return nullptr;
    const auto found = std::ranges::find_if(
        at->items(), [&](const auto& item) { return lower(item.key()) == name; });
    if (found == at->items().end()) return nullptr;
    at = &found.value();
    begin = end + 1;
  }
  return at;
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string Table::text() const {
  std::vector<std::vector<std::string>> rows = rows_;
  std::vector<std::size_t> widths;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      row[column] = printable(row[column]);
      widths[column] = std::max(widths[column], width_of(row[column]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      if (column + 1 < row.size())
        line += std::string(widths[column] - width_of(row[column]) + 3, ' ');
    }
    text += line + "\n";
  }
  return text;
}

std::string cut(const std::string& text, std::size_t width) {
  if (width == 0 || width_of(text) <= width) return text;
  std::string out;
  std::size_t count = 0;
  for (const char c : text) {
    const bool first = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (first && ++count > width - 3) break;
    out += c;
  }
  return out + "...";
}

Result<std::string> formatted(const std::string& format, const Json& object) {
  std::string out;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] == '\\' && at + 1 < format.size() &&
        (format[at + 1] == 't' || format[at + 1] == 'n')) {
      out += format[at + 1] == 't' ? '\t' : '\n';
      at += 2;
      continue;
    }
    const bool twice = format.compare(at, 2, "{{") == 0;
    const std::string close = twice ? "}}" : "}";
    const std::size_t end = format[at] == '{' ? format.find(close, at) : std::string::npos;
    if (end == std::string::npos) {
      out += format[at++];
      continue;
    }
    std::string name = format.substr(at + close.size(), end - at - close.size());
    std::erase(name, ' ');
    if (name.starts_with('.')) name.erase(0, 1);
    at = end + close.size();
    const Json* const value = member(object, name);
    if (value == nullptr) {
      std::string known;
      for (const auto& [key, unused] : object.items()) known += (known.empty() ? "" : ", ") + key;
      return fail(Kind::usage, 0, "find in --format", name, "there are: " + known);
    }
    out += shown(*value);
  }
  return out;
}

}  // namespace nucleus::cli
