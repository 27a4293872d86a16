// The validation of a draft, by subject: validate.cc (who and where), validate_mounts.cc (what is
// shown), validate_limits.cc (what it may use). Internal to spec/.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "spec/validate.h"

namespace nucleus::spec {

/// Text that ends up in argv, environment or a mount option: a NUL would cut it short silently.
[[nodiscard]] bool has_nul(const std::string& text);

class Validator {
 public:
  Validator(const Draft& draft, const Surroundings& around) : draft_(draft), around_(around) {}

  Validation run();

 private:
  void refuse(const std::string& flag, const std::string& value, std::string hint);

  template <typename T>
  bool take(Result<T> result, T& into) {
    if (!result) {
      errors_.push_back(std::move(result.error()));
      return false;
    }
    into = *result;
    return true;
  }

  // validate.cc
  void command();
  void names();
  void identity();
  bool parse_user(const std::string& flag, const std::string& text);
  bool parse_group(const std::string& flag, const std::string& text, std::uint32_t& gid);
  void environment();
  void set_env(const std::string& item);
  [[nodiscard]] bool has_env(const std::string& beginning) const;
  void sources();
  void modes();
  void labels();

  // validate_life.cc
  void life();
  void audit();
  void service_mode();
  void restart();
  void on_supervisor_death();
  void log_option(const std::string& item);

  // validate_health.cc
  struct ProbeFlags {
    const char* exec_name = "";
    const char* tcp_name = "";
    const char* http_name = "";
    const std::optional<std::string>* exec = nullptr;
    const std::optional<std::string>* tcp = nullptr;
    const std::optional<std::string>* http = nullptr;
  };
  void probe(const ProbeFlags& flags, Probe& into);
  void health();
  void readiness();
  void notify_socket(const char* flag, Probe& into);

  // validate_isolation.cc
  void level();
  void without_namespaces();
  void own_identity();

  // validate_mounts.cc
  std::string source(const std::string& flag, const std::string& text);
  void target(const std::string& flag, const std::string& whole, const std::string& path);
  void targets();
  void volume(const std::string& item);
  std::string named_volume(const std::string& flag, const std::string& item,
                           const std::string& name);
  void tmpfs(const std::string& item);
  void mount(const std::string& item);
  void secret(const std::string& item);
  void credential(const std::string& item);
  void add_secret(const std::string& flag, const std::string& item, std::string source,
                  std::string name);
  void hosts();
  void sysctls();

  // validate_devices.cc
  void device(const std::string& item);

  // validate_descriptors.cc
  void descriptors();
  void listening();

  // validate_time.cc
  void time_namespace();

  // validate_limits.cc
  void resources();
  void memory_swap();
  void cpuset(const std::string& flag, const std::optional<std::string>& given, std::string& into);
  void io_limit(const std::string& item);
  void ulimit(const std::string& item);
  void capabilities();
  void system_calls();

  const Draft& draft_;
  const Surroundings& around_;
  ContainerSpec spec_;
  std::vector<Error> errors_;
  std::set<std::string> targets_;
};

}  // namespace nucleus::spec
