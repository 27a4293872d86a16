// `nucleus doctor`: what this host allows this caller, and the commands that mend what it does not.
#include "doctor/report.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/live/containers.h"
#include "cli/parser.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/state_root.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

struct Flags {
  std::optional<bool> json, fix;
  std::optional<std::string> root;
};

// no-color.org: the variable's presence counts, whatever it holds.
bool colourful() {
  const char* const no = std::getenv("NO_COLOR");
  return (no == nullptr || *no == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

std::string coloured(const std::string& text, doctor::Status status, bool colour) {
  if (!colour) return text;
  const char* const code = status == doctor::Status::ok        ? "32"
                           : status == doctor::Status::blocked ? "31"
                                                               : "33";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

constexpr spec::IsolationLevel kLevels[] = {
    spec::IsolationLevel::full, spec::IsolationLevel::rootless,
    spec::IsolationLevel::rootless_single_id, spec::IsolationLevel::landlock};

std::string as_text(const doctor::Report& report, bool colour) {
  std::string text;
  for (const doctor::Item& item : report.items) {
    const std::string status = padded(doctor::status_name(item.status), 9);
    text += coloured(status, item.status, colour) + padded(item.id, 25) + printable(item.found);
    text += "\n";
    if (!item.fix.empty() && item.status != doctor::Status::ok)
      text += std::string(34, ' ') + "mend: " + printable(item.fix) + "\n";
  }
  text += "\nisolation: " + std::string(spec::level_name(report.level)) + "\n";
  for (const spec::IsolationLevel level : kLevels) {
    if (level == report.level) break;
    if (const auto item = doctor::obstacle(report, level)) {
      text += "  not " + std::string(spec::level_name(level)) + ": " + item->id + ": " +
              printable(item->found) + "\n";
    }
  }
  if (report.level != spec::IsolationLevel::none && !doctor::can_run(report))
    text += "  but nothing can be started: " + printable(report.find("state-root")->found) + "\n";
  return text;
}

std::string as_json(const doctor::Report& report, const std::vector<doctor::Mended>& mended) {
  nlohmann::ordered_json json;
  json["isolation"] = spec::level_name(report.level);
  json["uid"] = report.uid;
  json["user"] =
      report.user.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(report.user);
  json["kernel"] = report.kernel;
  json["can_run"] = doctor::can_run(report);
  json["landlock_abi"] = report.landlock_abi;
  json["levels"] = nlohmann::ordered_json::object();
  for (const spec::IsolationLevel level : kLevels) {
    const auto item = doctor::obstacle(report, level);
    json["levels"][spec::level_name(level)] =
        item ? nlohmann::ordered_json(item->id) : nlohmann::ordered_json(nullptr);
  }
  json["items"] = nlohmann::ordered_json::array();
  for (const doctor::Item& item : report.items) {
    nlohmann::ordered_json each;
    each["id"] = item.id;
    each["status"] = doctor::status_name(item.status);
    each["found"] = item.found;
    each["fix"] = item.fix.empty() || item.status == doctor::Status::ok
                      ? nlohmann::ordered_json(nullptr)
                      : nlohmann::ordered_json(item.fix);
    json["items"].push_back(std::move(each));
  }
  json["fixes"] = nlohmann::ordered_json::array();
  for (const doctor::Mended& each : mended) {
    json["fixes"].push_back(
        {{"command", each.command},
         {"ran", each.ran},
         {"code", each.ran ? nlohmann::ordered_json(each.code) : nlohmann::ordered_json(nullptr)}});
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void announce(const std::string& command) {
  complain((::geteuid() == 0 ? "runs: " : "needs root, run: sudo ") + command);
}

// sudo(8) says who called it: what --fix is to mend is that user's, not root's.
std::optional<isolation::Caller> behind_sudo() {
  const char* const uid = std::getenv("SUDO_UID");
  const char* const gid = std::getenv("SUDO_GID");
  const char* const name = std::getenv("SUDO_USER");
  if (::geteuid() != 0 || uid == nullptr || gid == nullptr || name == nullptr) return std::nullopt;
  const auto number = [](const char* text) {
    return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
  };
  isolation::Caller caller{.uid = number(uid), .gid = number(gid), .user_name = name};
  return caller.uid == 0 ? std::nullopt : std::optional(caller);
}

}  // namespace

int doctor_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kDoctorText);
  parser.bind("json", flags.json);
  parser.bind("fix", flags.fix);
  parser.bind("root", flags.root);
  const Words words = parse_words(parser, kDoctorText, argc, argv, 0, 0);
  if (words.exit) return *words.exit;
  default_state_root(flags.root);
  const isolation::Caller caller = container::read_caller();
  doctor::Request request{.caller = caller,
                          .scope = doctor::Scope::everything,
                          .state_root = container::find_state_root(flags.root, caller),
                          .behind = behind_sudo()};
  if (!*request.state_root && request.state_root->error().kind == Kind::usage) {
    complain(request.state_root->error().text());
    return 2;
  }
  doctor::Report report = doctor::examine(request);
  std::vector<doctor::Mended> mended;
  if (flags.fix.value_or(false)) {
    mended = doctor::mend(report, announce);
    if (mended.empty()) complain("nothing that --fix may mend");
    for (const doctor::Mended& each : mended) {
      if (each.ran && each.code != 0)
        complain("'" + each.command + "' ended with " + std::to_string(each.code));
    }
    report = doctor::examine(request);
  }
  const std::string text =
      flags.json.value_or(false) ? as_json(report, mended) : as_text(report, colourful());
  if (const auto written = sys::write_all(STDOUT_FILENO, text, "standard output"); !written) {
    complain(written.error().text());
    return 125;
  }
  return doctor::can_run(report) ? 0 : 1;
}

}  // namespace nucleus::cli
