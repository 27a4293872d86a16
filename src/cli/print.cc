#include "cli/print.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace nucleus::cli {
namespace {

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

nlohmann::ordered_json layers_json(const spec::Layers& layers) {
  nlohmann::ordered_json json;
  json["isolation"] = or_null(layers.isolation);
  json["namespaces"] = layers.namespaces;
  json["no_new_privs"] = layers.no_new_privs;
  json["seccomp"] = {{"mode", layers.seccomp_mode}, {"filters", layers.seccomp_filters}};
  json["capabilities"] = layers.capabilities;
  json["landlock"] = {{"enforced", layers.landlock}, {"abi", layers.landlock_abi}};
  json["cgroup"] = or_null(layers.cgroup);
  return json;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    }
  }
  return out;
}

void complain(std::string_view text) {
  const std::string line = "nucleus: " + printable(text) + "\n";
  (void)!::write(STDERR_FILENO, line.data(),
                 line.size());  // with standard error gone there is nobody to tell
}

std::string outcome_json(const spec::Outcome& outcome) {
  nlohmann::ordered_json json;
  json["id"] = outcome.id;
  json["name"] = or_null(outcome.name);
  json["reason"] = spec::reason_name(outcome.reason);
  json["code"] = outcome.code;
  json["signal"] = outcome.signal != 0 ? nlohmann::ordered_json(outcome.signal)
                                       : nlohmann::ordered_json(nullptr);
  json["limit"] = or_null(outcome.limit);
  json["message"] = or_null(outcome.message);
  json["peak_memory_bytes"] = or_null(outcome.peak_memory_bytes);
  json["cpu_usec"] = or_null(outcome.cpu_usec);
  json["wall_usec"] = outcome.wall_usec;
  json["oom_kills"] = or_null(outcome.oom_kills);
  json["pids_refused"] = or_null(outcome.pids_refused);
  json["labels"] = nlohmann::ordered_json::object();
  for (const auto& [key, value] : outcome.labels) json["labels"][key] = value;
  json["layers"] = layers_json(outcome.layers);
  json["notes"] = outcome.notes;
  // Names from a file system need not be UTF-8: they are shown with replacement characters, never
  // refused.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace nucleus::cli
