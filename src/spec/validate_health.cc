// Probes: whether a container is healthy, whether it is ready.
#include <algorithm>

#include "spec/validator.h"

namespace nucleus::spec {
namespace {

bool is_url_path(const std::string& path) {
  return path.starts_with('/') && path.size() <= 2048 &&
         std::ranges::all_of(path, [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

bool Validator::has_env(const std::string& beginning) const {
  return std::ranges::any_of(spec_.env,
                             [&](const std::string& item) { return item.starts_with(beginning); });
}

// One probe of three ways; more than one is refused.
void Validator::probe(const ProbeFlags& flags, Probe& into) {
  const auto given = [&](const char* flag, const std::optional<std::string>* text) {
    if (text == nullptr || !*text) return false;
    if (into.kind != ProbeKind::none) {
      refuse(flag, **text, "one probe is taken: leave the others out");
      return false;
    }
    return true;
  };
  if (given(flags.exec_name, flags.exec)) {
    into.kind = ProbeKind::exec;
    into.text = **flags.exec;
    if (into.text.find_first_not_of(" \t\n") == std::string::npos || has_nul(into.text))
      refuse(flags.exec_name, into.text, "give a command line for sh -c");
  }
  if (given(flags.tcp_name, flags.tcp)) {
    into.kind = ProbeKind::tcp;
    std::uint64_t port = 0;
    if (take(parse_number(flags.tcp_name, **flags.tcp, 1, 65'535), port))
      into.port = static_cast<std::uint16_t>(port);
  }
  if (given(flags.http_name, flags.http)) {
    into.kind = ProbeKind::http;
    const std::string& text = **flags.http;
    const bool path_first = text.starts_with('/');
    const std::size_t split = path_first ? text.rfind(':') : text.find('/');
    const std::string head = text.substr(0, split);
    const std::string tail = split == std::string::npos ? "" : text.substr(split);
    const std::string port_text =
        path_first ? tail.substr(std::min<std::size_t>(1, tail.size())) : head;
    into.text = path_first ? head : tail.empty() ? "/" : tail;
    const auto port = parse_number(flags.http_name, port_text, 1, 65'535);
    if (!port || !is_url_path(into.text))
      return refuse(flags.http_name, text, "write PORT/PATH or /PATH:PORT, such as 8080/healthz");
    into.port = static_cast<std::uint16_t>(*port);
  }
}

void Validator::health() {
  HealthCheck& health = spec_.supervision.health;
  probe({.exec_name = "--health-cmd",
         .tcp_name = "--health-tcp",
         .http_name = "--health-http",
         .exec = &draft_.health_cmd,
         .tcp = &draft_.health_tcp,
         .http = &draft_.health_http},
        health.probe);
  const bool told = draft_.health_sd_notify.value_or(false);
  if (told) notify_socket("--health-sd-notify", health.probe);
  const bool probed = draft_.health_cmd || draft_.health_tcp || draft_.health_http || told;
  const auto goes_along = [&](const char* flag, const std::optional<std::string>& text) {
    if (text && !probed)
      refuse(flag, *text,
             "it needs --health-cmd, --health-tcp, --health-http or --health-sd-notify");
    return text && probed;
  };
  const auto span = [&](const char* flag, const std::optional<std::string>& text,
                        std::chrono::milliseconds& into) {
    if (goes_along(flag, text)) take(parse_duration(flag, *text), into);
  };
  span("--health-interval", draft_.health_interval, health.interval);
  span("--health-timeout", draft_.health_timeout, health.timeout);
  if (told && draft_.health_timeout) {
    refuse("--health-timeout", *draft_.health_timeout,
           "with --health-sd-notify nobody looks: --health-interval is the time it has");
  }
  if (told && has_env("WATCHDOG_USEC=")) {
    refuse("--health-sd-notify", "",
           "it sets WATCHDOG_USEC: leave that out of --env and --env-file");
  }
  if (told) spec_.env.push_back("WATCHDOG_USEC=" + std::to_string(1000 * health.interval.count()));
  if (draft_.health_start_period == "0") {
    health.start_period = {};
    (void)goes_along("--health-start-period", draft_.health_start_period);
  } else {
    span("--health-start-period", draft_.health_start_period, health.start_period);
  }
  if (goes_along("--health-retries", draft_.health_retries)) {
    std::uint64_t retries = 0;
    if (take(parse_number("--health-retries", *draft_.health_retries, 1, 1000), retries))
      health.retries = static_cast<std::uint32_t>(retries);
  }
  if (goes_along("--health-action", draft_.health_action)) {
    const std::string& action = *draft_.health_action;
    if (action == "kill") {
      health.action = HealthAction::kill;
    } else if (action == "restart") {
      health.action = HealthAction::restart;
      if (spec_.supervision.remove)
        refuse("--rm", "", "it contradicts --health-action restart: give one of them");
    } else if (action != "none") {
      refuse("--health-action", action, "use none, kill or restart");
    }
  }
  readiness();
  if (spec_.detach) return;
  for (const auto& [flag, given] : {std::pair{"--health-cmd", draft_.health_cmd.has_value()},
                                    {"--health-tcp", draft_.health_tcp.has_value()},
                                    {"--health-http", draft_.health_http.has_value()},
                                    {"--health-sd-notify", told},
                                    {"--readiness-exec", draft_.readiness_exec.has_value()},
                                    {"--readiness-tcp", draft_.readiness_tcp.has_value()}}) {
    if (given) refuse(flag, "", "in the foreground nobody is there for it: add --detach");
  }
}

void Validator::readiness() {
  Readiness& readiness = spec_.supervision.readiness;
  probe({.exec_name = "--readiness-exec",
         .tcp_name = "--readiness-tcp",
         .exec = &draft_.readiness_exec,
         .tcp = &draft_.readiness_tcp},
        readiness.probe);
  if (draft_.readiness_sd_notify.value_or(false))
    notify_socket("--readiness-sd-notify", readiness.probe);
  if (!draft_.readiness_timeout) return;
  if (readiness.probe.kind == ProbeKind::none) {
    return refuse("--readiness-timeout", *draft_.readiness_timeout,
                  "it needs --readiness-exec, --readiness-tcp or --readiness-sd-notify");
  }
  if (!spec_.detach && readiness.probe.kind == ProbeKind::sd_notify) {
    return refuse("--readiness-timeout", *draft_.readiness_timeout,
                  "in the foreground the service manager sets the time (TimeoutStartSec=)");
  }
  take(parse_duration("--readiness-timeout", *draft_.readiness_timeout), readiness.timeout);
}

// The socket is one, whatever is told there.
void Validator::notify_socket(const char* flag, Probe& into) {
  if (into.kind != ProbeKind::none)
    return refuse(flag, "", "one probe is taken: leave the others out");
  const bool first = !spec_.notifies();
  into.kind = ProbeKind::sd_notify;
  if (!first) return;
  if (has_env("NOTIFY_SOCKET="))
    return refuse(flag, "", "it sets NOTIFY_SOCKET: leave that out of --env and --env-file");
  const std::string place = kNotifyDirectory;
  const auto is_run = [](const Tmpfs& item) { return item.target == "/run"; };
  for (const std::string& target : targets_) {
    // A tmpfs on /run is mounted before it, a volume after it.
    const bool covers = target == "/run" && std::ranges::none_of(spec_.tmpfs, is_run);
    if (covers || target == place || target.starts_with(place + "/"))
      return refuse(flag, "", "'" + target + "' takes the place of its socket, " + kNotifySocket);
  }
  spec_.env.push_back(std::string("NOTIFY_SOCKET=") + kNotifySocket);
}

}  // namespace nucleus::spec
