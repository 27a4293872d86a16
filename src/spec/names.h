// Names that people use for the kernel's numbers: setrlimit(2), capabilities(7); and for volumes.
#pragma once

#include <optional>
#include <string>

namespace nucleus::spec {

/// "nofile" for RLIMIT_NOFILE, as --ulimit spells it; the number as text when it has no name.
[[nodiscard]] std::string ulimit_name(int resource);

/// The RLIMIT_* of a name.
[[nodiscard]] std::optional<int> ulimit_resource(const std::string& name);

/// "CHOWN" for CAP_CHOWN; the number as text when no container can keep it.
[[nodiscard]] std::string capability_name(int capability);

/// Whether it can name a container or a volume: a file name that needs no quotes.
[[nodiscard]] bool is_plain_name(const std::string& name);
inline constexpr const char* kPlainNameRule =
    "use 1 to 64 letters, digits, '_', '.' and '-', beginning with a letter or digit";

/// The number of a signal: "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3"; nothing for none.
[[nodiscard]] std::optional<int> signal_number(const std::string& text);

struct Supervision;
enum class LogDriver;

/// "json", "journald" or "none", as --log-driver spells it.
[[nodiscard]] const char* log_driver_name(LogDriver driver);

/// "on-failure:3" and the like, as --restart spells it.
[[nodiscard]] std::string restart_text(const Supervision& life);

}  // namespace nucleus::spec
