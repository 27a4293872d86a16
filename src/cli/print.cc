#include "cli/print.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
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
  json["missing"] = layers.missing;
  return json;
}

// The bytes of the character that `text` begins with; 0 when it is none, or one that steers the
// terminal. UTF-8: RFC 3629.
std::size_t harmless_character(std::string_view text) {
  const auto byte = [text](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  std::uint32_t code = first & (0x7FU >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(at) & 0x3F);
  }
  constexpr std::uint32_t kLeast[] = {0x80, 0x800, 0x10000};
  const bool turns = code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
                     (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  const bool valid =
      code >= kLeast[length - 2] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return valid && code >= 0xA0 && !turns ? length : 0;
}

// JSON leaves DEL and the control characters of Unicode as they are, and a terminal obeys them.
std::string escape_controls(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto byte = static_cast<unsigned char>(json[at]);
    const bool pair =
        byte == 0xC2 && at + 1 < json.size() && static_cast<unsigned char>(json[at + 1]) < 0xA0;
    if (!pair && byte != 0x7F) {
      out += json[at];
      continue;
    }
    const auto code = pair ? static_cast<unsigned char>(json[++at]) : byte;
    out += "\\u00";
    out += "0123456789abcdef"[code >> 4];
    out += "0123456789abcdef"[code & 15];
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = harmless_character(text.substr(at));
    if (length > 0) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at++]);
    out += "\\x";
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

void complain(std::string_view text) {
  const std::string line = "nucleus: " + printable(text) + "\n";
  (void)!::write(STDERR_FILENO, line.data(),
                 line.size());  // with standard error gone there is nobody to tell
}

bool status_line_works() {
  const char* const term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && *term != '\0' &&
         std::strcmp(term, "dumb") != 0;
}

void show_status(const std::string& text) {
  // Back to the margin, and what is behind the cursor is wiped (ECMA-48, EL).
  const std::string line = "\r\x1b[K" + (text.empty() ? "" : "nucleus: " + printable(text));
  (void)!::write(STDERR_FILENO, line.data(), line.size());  // nobody to tell, as above
}

std::string version_json() {
  nlohmann::ordered_json json;
  json["program"] = "nucleus";
  json["version"] = NUCLEUS_VERSION;
  json["commit"] = or_null(std::string(NUCLEUS_COMMIT));
#if defined(__x86_64__)
  json["architecture"] = "x86_64";
#elif defined(__aarch64__)
  json["architecture"] = "aarch64";
#endif
  json["compiler"] = __VERSION__;
  json["kernel"] = {{"oldest", "5.15"}};
  return json.dump() + "\n";
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
  json["context_sha256"] = or_null(outcome.context_sha256);
  json["labels"] = nlohmann::ordered_json::object();
  for (const auto& [key, value] : outcome.labels) json["labels"][key] = value;
  json["layers"] = layers_json(outcome.layers);
  json["notes"] = outcome.notes;
  // Names from a file system need not be UTF-8: they are shown with replacement characters, never
  // refused.
  return escape_controls(
             json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
         "\n";
}

}  // namespace nucleus::cli
