// How long a container lives, and what its supervisor does for it.
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>

#include "spec/names.h"
#include "spec/validator.h"

namespace nucleus::spec {
namespace {

constexpr std::size_t kLongestSocket = 107;  // unix(7)

}  // namespace

const char* log_driver_name(spec::LogDriver driver) {
  switch (driver) {
    case spec::LogDriver::json: return "json";
    case spec::LogDriver::journald: return "journald";
    case spec::LogDriver::none: return "none";
  }
  return "?";
}

std::optional<int> signal_number(const std::string& text) {
  std::string name = text;
  for (char& letter : name)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (const auto number = parse_number("", name, 1, 64)) return static_cast<int>(*number);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number < 32; ++number) {
    const char* const known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  // The kernel's numbers, not those that a libc keeps for itself.
  constexpr int kFirst = 34;
  constexpr int kLast = 64;
  if (name == "RTMIN") return kFirst;
  if (name == "RTMAX") return kLast;
  const auto offset = [&](std::size_t at) { return parse_number("", name.substr(at), 0, 30); };
  if (name.starts_with("RTMIN+") && offset(6)) return kFirst + static_cast<int>(*offset(6));
  if (name.starts_with("RTMAX-") && offset(6)) return kLast - static_cast<int>(*offset(6));
  if (name == "CLD") return SIGCHLD;
  if (name == "IOT") return SIGABRT;
  if (name == "POLL") return SIGIO;
  return std::nullopt;
}

std::string restart_text(const Supervision& life) {
  switch (life.restart) {
    case RestartPolicy::no: return "no";
    case RestartPolicy::always: return "always";
    case RestartPolicy::unless_stopped: return "unless-stopped";
    case RestartPolicy::on_failure:
      return life.restart_most == 0 ? "on-failure"
                                    : "on-failure:" + std::to_string(life.restart_most);
  }
  return "no";
}

void Validator::life() {
  Supervision& life = spec_.supervision;
  spec_.detach = draft_.detach.value_or(false);
  life.remove = draft_.remove.value_or(false);
  if (draft_.restart) restart();
  if (draft_.stop_signal) {
    const auto number = signal_number(*draft_.stop_signal);
    if (number) life.stop_signal = *number;
    if (!number)
      refuse("--stop-signal", *draft_.stop_signal, "give a name or number, such as TERM or 15");
  }
  if (draft_.stop_timeout)
    take(parse_duration("--stop-timeout", *draft_.stop_timeout), life.stop_timeout);
  const std::string supervisor = draft_.supervisor.value_or("process");
  life.as_unit = supervisor == "systemd";
  if (supervisor != "systemd" && supervisor != "process")
    refuse("--supervisor", supervisor, "use process or systemd");
  on_supervisor_death();
  const std::string driver = draft_.log_driver.value_or("json");
  if (driver == "none") {
    life.log_driver = LogDriver::none;
  } else if (driver == "journald") {
    life.log_driver = LogDriver::journald;
    life.log_socket = kJournalSocket;
  } else if (driver != "json") {
    refuse("--log-driver", driver, "use json, journald or none");
  }
  for (const std::string& item : draft_.log_options) log_option(item);
  health();
  if (spec_.detach) return;
  const auto needs_detach = [&](const char* flag, bool given) {
    if (given) refuse(flag, "", "in the foreground nobody is there for it: add --detach");
  };
  needs_detach("--restart", draft_.restart.has_value() && *draft_.restart != "no");
  needs_detach("--log-driver", draft_.log_driver.has_value());
  needs_detach("--supervisor", draft_.supervisor.has_value());
  needs_detach("--on-supervisor-death", draft_.on_supervisor_death.has_value());
  needs_detach("--log-opt", !draft_.log_options.empty());
}

// The kernel kills what a supervisor of either kind has started when that one ends; one that stands
// by is in nobody's way only where nothing else watches over the supervisor.
void Validator::on_supervisor_death() {
  const std::string choice = draft_.on_supervisor_death.value_or("kill");
  if (choice == "kill") return;
  if (choice != "adopt") return refuse("--on-supervisor-death", choice, "use kill or adopt");
  spec_.supervision.adopt = true;
  if (spec_.supervision.as_unit)
    refuse("--on-supervisor-death", choice, "with --supervisor systemd the unit ends with it");
  if (spec_.shares_host()) {
    refuse("--on-supervisor-death", choice,
           "with --isolation landlock its processes are the supervisor's own children");
  }
}

void Validator::service_mode() {
  const std::string mode = draft_.service_mode.value_or("agent");
  if (mode == "production") {
    spec_.mode = ServiceMode::production;
  } else if (mode != "agent") {
    refuse("--service-mode", mode, "use agent or production");
  }
  if (!draft_.rootfs_sha256) return;
  const std::string& digest = *draft_.rootfs_sha256;
  const bool good =
      digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!good)
    return refuse("--rootfs-sha256", digest, "give the 64 digits that nucleus attest prints");
  if (!draft_.rootfs) return refuse("--rootfs-sha256", digest, "it needs --rootfs");
  spec_.rootfs_sha256 = digest;
}

// What a container can write to is no place for what is kept of it.
void Validator::audit() {
  if (!draft_.audit_log || *draft_.audit_log == "none") return;
  spec_.audit_log = source("--audit-log", *draft_.audit_log);
  if (spec_.audit_log.empty()) return;
  const std::string path = normal_path(spec_.audit_log);
  if (path.empty() || path == "/")
    return refuse("--audit-log", *draft_.audit_log, "give the path of a file, without '..'");
  spec_.audit_log = path;
  for (const Volume& volume : spec_.volumes) {
    const std::string shared = normal_path(volume.source);
    if (!volume.writable || shared.empty()) continue;
    if (path == shared || shared == "/" || path.starts_with(shared + "/")) {
      refuse("--audit-log", path, "the container could write to it by " + volume.flag);
    }
  }
}

void Validator::restart() {
  Supervision& life = spec_.supervision;
  const std::string& text = *draft_.restart;
  const std::size_t colon = text.find(':');
  const std::string policy = text.substr(0, colon);
  const bool counted = colon != std::string::npos;
  if (policy == "on-failure") {
    life.restart = RestartPolicy::on_failure;
  } else if (policy == "always" && !counted) {
    life.restart = RestartPolicy::always;
  } else if (policy == "unless-stopped" && !counted) {
    life.restart = RestartPolicy::unless_stopped;
  } else if (policy != "no" || counted) {
    return refuse("--restart", text,
                  "use no, on-failure, on-failure:TIMES, always or unless-stopped");
  }
  if (counted) {
    const auto most = parse_number("--restart", text.substr(colon + 1), 1, 1'000'000);
    if (!most) return refuse("--restart", text, "TIMES is a number from 1 on");
    life.restart_most = static_cast<std::uint32_t>(*most);
  }
  if (life.restart != RestartPolicy::no && life.remove) {
    refuse("--rm", "", "it contradicts --restart " + text + ": give one of them");
  }
}

void Validator::log_option(const std::string& item) {
  Supervision& life = spec_.supervision;
  const std::size_t equals = item.find('=');
  const std::string key = item.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : item.substr(equals + 1);
  const bool journal = key == "socket";
  if ((key == "max-size" || key == "max-file" || journal) &&
      life.log_driver != (journal ? LogDriver::journald : LogDriver::json)) {
    return refuse("--log-opt", item,
                  std::string("it is for --log-driver ") + (journal ? "journald" : "json"));
  }
  if (journal) {
    life.log_socket = normal_path(value);
    if (life.log_socket.empty() || value.size() > kLongestSocket || has_nul(value))
      refuse("--log-opt", item, "give an absolute path of at most 107 letters");
  } else if (key == "max-size") {
    ByteSize size;
    if (!take(ByteSize::parse("--log-opt", value), size)) return;
    if (size.bytes < 4096) return refuse("--log-opt", item, "a log file has at least 4K");
    life.log_size = size;
  } else if (key == "max-file") {
    const auto files = parse_number("--log-opt", value, 1, 1000);
    if (!files) return refuse("--log-opt", item, "give a number from 1 to 1000");
    life.log_files = static_cast<std::uint32_t>(*files);
  } else {
    refuse("--log-opt", item,
           "the options are max-size=SIZE and max-file=N (json), socket=PATH (journald)");
  }
}

}  // namespace nucleus::spec
