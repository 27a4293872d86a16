// Structures as JSON objects, from one list of their members: what is written can always be read.
//
// For a struct T give `template <typename F, typename V> void fields(F& f, V& v)`, which calls
// f("name", v.name) for each member; V is T or const T. Reading is strict: a missing or wrong
// member is an error that names it; unknown members are passed over. Include it in .cc files only:
// the library behind it is large.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace nucleus::json {

using Json = nlohmann::ordered_json;

class Writer {
 public:
  template <typename T>
  void operator()(const char* name, const T& value) {
    object[name] = of(value);
  }

  static Json of(const std::string& text) { return text; }
  static Json of(bool value) { return value; }
  static Json of(ByteSize size) { return size.bytes; }
  static Json of(CpuQuota quota) { return quota.quota_usec; }
  static Json of(std::chrono::milliseconds time) { return time.count(); }
  template <typename T>
    requires std::is_arithmetic_v<T>
  static Json of(T value) {
    return value;
  }
  template <typename T>
    requires std::is_enum_v<T>
  static Json of(T value) {
    return static_cast<int>(value);
  }
  template <typename T>
  static Json of(const std::optional<T>& value) {
    return value ? of(*value) : Json(nullptr);
  }
  template <typename T>
  static Json of(const std::vector<T>& list) {
    Json out = Json::array();
    for (const T& item : list) out.push_back(of(item));
    return out;
  }
  static Json of(const std::pair<std::string, std::string>& pair) {
    return Json::array({pair.first, pair.second});
  }
  template <typename T>
    requires std::is_class_v<T>
  static Json of(const T& value) {
    Writer writer;
    fields(writer, value);
    return std::move(writer.object);
  }

  Json object = Json::object();
};

class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    if (!wrong.empty()) return;
    const auto found = object_.is_object() ? object_.find(name) : object_.end();
    if (found == object_.end()) {
      wrong = name;
    } else if (std::string inner; !take(*found, value, inner)) {
      wrong = inner.empty() ? name : std::string(name) + "." + inner;
    }
  }

  static bool take(const Json& json, std::string& value, std::string&) {
    if (!json.is_string()) return false;
    value = json.get<std::string>();
    return true;
  }
  static bool take(const Json& json, bool& value, std::string&) {
    if (!json.is_boolean()) return false;
    value = json.get<bool>();
    return true;
  }
  template <typename T>
    requires std::is_integral_v<T>
  static bool take(const Json& json, T& value, std::string&) {
    if (json.is_number_unsigned()) {
      const auto number = json.get<std::uint64_t>();
      value = static_cast<T>(number);
      return std::in_range<T>(number);
    }
    if (!json.is_number_integer()) return false;
    const auto number = json.get<std::int64_t>();
    value = static_cast<T>(number);
    return std::in_range<T>(number);
  }
  static bool take(const Json& json, double& value, std::string&) {
    if (!json.is_number()) return false;
    value = json.get<double>();
    return true;
  }
  template <typename T>
    requires std::is_enum_v<T>
  static bool take(const Json& json, T& value, std::string& inner) {
    int number = 0;
    if (!take(json, number, inner) || number < 0 || number > 255) return false;
    value = static_cast<T>(number);
    return true;
  }
  static bool take(const Json& json, ByteSize& value, std::string& inner) {
    return take(json, value.bytes, inner);
  }
  static bool take(const Json& json, CpuQuota& value, std::string& inner) {
    return take(json, value.quota_usec, inner);
  }
  static bool take(const Json& json, std::chrono::milliseconds& value, std::string& inner) {
    std::int64_t count = 0;
    if (!take(json, count, inner)) return false;
    value = std::chrono::milliseconds(count);
    return true;
  }
  template <typename T>
  static bool take(const Json& json, std::optional<T>& value, std::string& inner) {
    value.reset();
    if (json.is_null()) return true;
    return take(json, value.emplace(), inner);
  }
  template <typename T>
  static bool take(const Json& json, std::vector<T>& list, std::string& inner) {
    if (!json.is_array()) return false;
    list.clear();
    for (const Json& item : json) {
      T value{};
      if (!take(item, value, inner)) return false;
      list.push_back(std::move(value));
    }
    return true;
  }
  static bool take(const Json& json, std::pair<std::string, std::string>& pair,
                   std::string& inner) {
    return json.is_array() && json.size() == 2 && take(json[0], pair.first, inner) &&
           take(json[1], pair.second, inner);
  }
  template <typename T>
    requires std::is_class_v<T>
  static bool take(const Json& json, T& value, std::string& inner) {
    Reader reader(json);
    fields(reader, value);
    inner = std::move(reader.wrong);
    return json.is_object() && inner.empty();
  }

  std::string wrong;  // the first member that is missing or of the wrong kind: "spec.memory"

 private:
  const Json& object_;
};

template <typename T>
[[nodiscard]] Json write(const T& value) {
  return Writer::of(value);
}

/// `subject` names the text in the error.
template <typename T>
[[nodiscard]] Result<T> read(const Json& json, const std::string& subject) {
  T value{};
  std::string wrong;
  if (!Reader::take(json, value, wrong)) {
    return fail(
        Kind::runtime, 0, "read", subject,
        wrong.empty() ? "it is no object" : "'" + wrong + "' is missing or of the wrong kind");
  }
  return value;
}

/// Parses; whatever is wrong with the text is an error that names `subject`.
[[nodiscard]] inline Result<Json> parse(const std::string& text, const std::string& subject) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return fail(Kind::runtime, 0, "read", subject, "it is no JSON: truncated, or written by hand");
  return json;
}

/// Bytes that are no UTF-8 are shown by replacement characters, never refused.
[[nodiscard]] inline std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nucleus::json
