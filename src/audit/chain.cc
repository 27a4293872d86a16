#include "audit/chain.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "audit/redact.h"
#include "base/json_fields.h"
#include "base/sha256.h"

namespace nucleus::audit {
namespace {

using json::Json;

constexpr std::string_view kHashMember = R"(,"hash":")";
constexpr std::size_t kHashSize = 64;
// A line with all of them at their most, each byte of them escaped, is below kMostLineBytes.
constexpr std::size_t kMostText = 1024;
constexpr std::size_t kMostDetails = 4096;
constexpr std::size_t kMostCommand = 8192;

std::string bounded(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most) + "…";
}

std::string digest_of(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes);
  return sha.finish();
}

bool is_digest(std::string_view text) {
  return text.size() == kHashSize && std::ranges::all_of(text, [](char letter) {
           return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
         });
}

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::requested: return "requested";
    case Stage::ok: return "ok";
    case Stage::error: return "error";
  }
  return "error";
}

Json command_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  std::size_t left = kMostCommand;
  for (const std::string& word : redacted(words)) {
    if (word.size() > left) {
      list.push_back(word.substr(0, left) + "…");
      break;
    }
    left -= word.size();
    list.push_back(word);
    if (list.size() == 256) break;
  }
  return list;
}

Json details_of(const Details& details) {
  Json object = Json::object();
  std::size_t left = kMostDetails;
  for (const auto& [key, value] : details) {
    const std::string text = bounded(value, std::min(left, kMostText));
    object[key] = text;
    left -= std::min(left, text.size());
  }
  return object;
}

}  // namespace

Actor ourselves() { return {.uid = ::getuid(), .gid = ::getgid(), .pid = ::getpid()}; }

std::string now_text() {
  timespec moment{};
  (void)::clock_gettime(CLOCK_REALTIME, &moment);
  tm parts{};
  (void)::gmtime_r(&moment.tv_sec, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[24];
  (void)std::snprintf(fraction, sizeof fraction, ".%03ldZ", moment.tv_nsec / 1'000'000);
  return std::string(text, size) + fraction;
}

std::string line_of(const Event& event, const std::string& time, const Link& before, Link& link) {
  link.seq = before.seq + 1;
  Json object;
  object["seq"] = link.seq;
  object["time"] = time;
  object["event"] = event.event;
  object["id"] = bounded(event.id, kMostText);
  if (!event.name.empty()) object["name"] = bounded(event.name, kMostText);
  object["actor"] = {{"uid", event.actor.uid}, {"gid", event.actor.gid}, {"pid", event.actor.pid}};
  object["result"] = stage_name(event.stage);
  if (event.stage == Stage::error) {
    object["errno"] = event.errnum;
    object["message"] = bounded(redacted_text(event.message), kMostText);
  }
  if (!event.command.empty()) object["command"] = command_of(event.command);
  if (!event.details.empty()) object["detail"] = details_of(event.details);
  object["prev"] = before.hash;
  std::string line = json::dump(object);
  line.pop_back();  // the closing bracket
  link.hash = digest_of(line);
  line += kHashMember;
  line += link.hash;
  line += "\"}\n";
  return line;
}

std::optional<Line> read_line(std::string_view line) {
  constexpr std::string_view kEnd = "\"}";
  constexpr std::size_t kTail = kHashMember.size() + kHashSize + kEnd.size();
  if (line.size() <= kTail || line.size() >= kMostLineBytes || !line.ends_with(kEnd))
    return std::nullopt;
  const std::string_view body = line.substr(0, line.size() - kTail);
  const std::string_view tail = line.substr(body.size());
  if (!tail.starts_with(kHashMember)) return std::nullopt;
  Line found;
  found.link.hash = tail.substr(kHashMember.size(), kHashSize);
  if (!is_digest(found.link.hash) || digest_of(body) != found.link.hash) return std::nullopt;
  const Json object = Json::parse(std::string(body) + "}", nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto seq = object.find("seq");
  const auto prev = object.find("prev");
  if (seq == object.end() || !seq->is_number_unsigned() || prev == object.end() ||
      !prev->is_string())
    return std::nullopt;
  found.link.seq = seq->get<std::uint64_t>();
  found.prev = prev->get<std::string>();
  if (!is_digest(found.prev)) return std::nullopt;
  return found;
}

}  // namespace nucleus::audit
