// How a supervisor finds out whether a container does its work.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace nucleus::spec {

enum class ProbeKind { none, exec, tcp, http, sd_notify };

struct Probe {
  ProbeKind kind = ProbeKind::none;
  std::string text;  // exec: for sh -c inside; http: the path of the URL
  std::uint16_t port = 0;
};

enum class HealthAction { none, kill, restart };

/// Looked at again and again, as long as it runs.
struct HealthCheck {
  Probe probe;
  std::chrono::milliseconds interval{30'000};
  std::chrono::milliseconds timeout{5'000};       // of one probe
  std::chrono::milliseconds start_period{5'000};  // failures do not count until then
  std::uint32_t retries = 3;                      // failures in a row that make it unhealthy
  HealthAction action = HealthAction::none;
};

/// Looked at until it is ready for the first time; whoever starts it waits for that.
struct Readiness {
  Probe probe;
  std::chrono::milliseconds timeout{60'000};
};

}  // namespace nucleus::spec
