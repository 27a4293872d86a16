// What a container may use: memory, processors, processes, devices' bandwidth, rlimits,
// capabilities.
#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <cctype>

#include "spec/names.h"
#include "spec/syscalls.h"
#include "spec/validator.h"

namespace nucleus::spec {
namespace {

constexpr std::uint64_t kDefaultPids = 512;

struct NamedLimit {
  const char* name;
  int resource;
};
constexpr NamedLimit kLimits[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

struct NamedCapability {
  const char* name;
  int number;
  bool on_host_ids;  // harmless enough also without a user namespace around it
};
// None of these reaches beyond the container's own namespaces. What is missing would: SYS_ADMIN,
// SYS_PTRACE, SYS_MODULE, NET_ADMIN, BPF, MKNOD and their like.
constexpr NamedCapability kCapabilities[] = {
    {"CHOWN", CAP_CHOWN, false},     {"DAC_OVERRIDE", CAP_DAC_OVERRIDE, false},
    {"FOWNER", CAP_FOWNER, false},   {"FSETID", CAP_FSETID, false},
    {"KILL", CAP_KILL, true},        {"NET_BIND_SERVICE", CAP_NET_BIND_SERVICE, true},
    {"NET_RAW", CAP_NET_RAW, false}, {"SETGID", CAP_SETGID, false},
    {"SETUID", CAP_SETUID, false},
};

}  // namespace

std::string ulimit_name(int resource) {
  for (const NamedLimit& limit : kLimits) {
    if (limit.resource == resource) return limit.name;
  }
  return std::to_string(resource);
}

std::optional<int> ulimit_resource(const std::string& name) {
  for (const NamedLimit& limit : kLimits) {
    if (name == limit.name) return limit.resource;
  }
  return std::nullopt;
}

std::string capability_name(int capability) {
  for (const NamedCapability& one : kCapabilities) {
    if (one.number == capability) return one.name;
  }
  return std::to_string(capability);
}

void Validator::resources() {
  Resources& limits = spec_.resources;
  ByteSize size;
  if (draft_.memory && take(ByteSize::parse("--memory", *draft_.memory), size)) {
    if (size.bytes < (1U << 20)) {
      refuse("--memory", *draft_.memory, "no program starts in less than 1M");
    } else {
      limits.memory = size;
    }
  }
  if (draft_.memory_swap) memory_swap();
  if (draft_.memory_reservation &&
      take(ByteSize::parse("--memory-reservation", *draft_.memory_reservation), size)) {
    if (limits.memory && size.bytes > limits.memory->bytes) {
      refuse("--memory-reservation", *draft_.memory_reservation, "it is more than --memory");
    } else {
      limits.memory_reservation = size;
    }
  }
  for (const std::string& item : draft_.io_limits) io_limit(item);
  for (const std::string& item : draft_.ulimits) ulimit(item);
  CpuQuota quota;
  if (draft_.cpus && take(CpuQuota::parse("--cpus", *draft_.cpus), quota)) limits.cpus = quota;
  std::uint64_t number = 0;
  if (draft_.cpu_weight &&
      take(parse_number("--cpu-weight", *draft_.cpu_weight, 1, 10'000), number)) {
    limits.cpu_weight = static_cast<std::uint32_t>(number);
  }
  limits.pids = kDefaultPids;
  if (draft_.pids) {
    if (*draft_.pids == "max") {
      limits.pids.reset();
    } else if (take(parse_number("--pids", *draft_.pids, 1, 4'194'304), number)) {
      limits.pids = number;
      limits.pids_asked = true;
    }
  }
  cpuset("--cpuset-cpus", draft_.cpuset_cpus, limits.cpuset_cpus);
  cpuset("--cpuset-mems", draft_.cpuset_mems, limits.cpuset_mems);
}

void Validator::memory_swap() {
  if (!draft_.memory) return refuse("--memory-swap", *draft_.memory_swap, "it needs --memory");
  ByteSize size;
  if (!take(ByteSize::parse("--memory-swap", *draft_.memory_swap), size) || !spec_.resources.memory)
    return;
  if (size.bytes < spec_.resources.memory->bytes) {
    return refuse("--memory-swap", *draft_.memory_swap,
                  "it counts memory and swap together: at least --memory's value");
  }
  spec_.resources.memory_swap = size;
}

void Validator::cpuset(const std::string& flag, const std::optional<std::string>& given,
                       std::string& into) {
  if (!given) return;
  const bool good = !given->empty() &&
                    std::isdigit(static_cast<unsigned char>(given->front())) != 0 &&
                    std::isdigit(static_cast<unsigned char>(given->back())) != 0 &&
                    given->find_first_not_of("0123456789,-") == std::string::npos;
  if (!good) return refuse(flag, *given, "give a list of numbers and ranges, such as 0-1,3");
  into = *given;
}

// "8:0 rbps=1M wiops=100"; the parts may be separated by commas too.
void Validator::io_limit(const std::string& item) {
  const char* const form =
      "write MAJOR:MINOR KEY=NUMBER..., with the keys rbps, wbps (bytes a second), riops and wiops "
      "(operations a second); lsblk shows the numbers of a device";
  std::string text = item;
  std::ranges::replace(text, ',', ' ');
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string device = text.substr(0, space);
  const std::size_t colon = device.find(':');
  if (colon == std::string::npos || !parse_number("", device.substr(0, colon), 0, 4095) ||
      !parse_number("", device.substr(colon + 1), 0, 1'048'575)) {
    return refuse("--io-limit", item, form);
  }
  std::size_t found = 0;
  for (std::size_t at = space; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string::npos) break;
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    at = end;
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    if (equals == std::string::npos ||
        (key != "rbps" && key != "wbps" && key != "riops" && key != "wiops"))
      return refuse("--io-limit", item, form);
    const auto value = ByteSize::parse("--io-limit", part.substr(equals + 1));
    if (!value || value->bytes == 0) return refuse("--io-limit", item, form);
    spec_.resources.io.push_back({.device = device, .key = key, .value = value->bytes});
    ++found;
  }
  if (found == 0) refuse("--io-limit", item, form);
}

void Validator::ulimit(const std::string& item) {
  const std::size_t equals = item.find('=');
  const std::string name = item.substr(0, equals);
  const auto resource = ulimit_resource(name);
  if (equals == std::string::npos || !resource) {
    return refuse("--ulimit", item,
                  "write NAME=SOFT[:HARD], with a NAME of core cpu data fsize locks memlock "
                  "msgqueue nice nofile nproc rss rtprio rttime sigpending stack as");
  }
  const auto value = [](const std::string& text) -> std::optional<std::uint64_t> {
    if (text == "unlimited" || text == "-1") return RLIM_INFINITY;
    const auto number = parse_number("--ulimit", text, 0, RLIM_INFINITY - 1);
    if (!number) return std::nullopt;
    return *number;
  };
  const std::string values = item.substr(equals + 1);
  const std::size_t colon = values.find(':');
  const auto soft = value(values.substr(0, colon));
  const auto hard = colon == std::string::npos ? soft : value(values.substr(colon + 1));
  if (!soft || !hard) return refuse("--ulimit", item, "a limit is a number, or unlimited");
  if (*soft > *hard) return refuse("--ulimit", item, "the soft limit is above the hard one");
  std::erase_if(spec_.ulimits, [&](const Ulimit& other) { return other.resource == *resource; });
  spec_.ulimits.push_back({.name = name, .resource = *resource, .soft = *soft, .hard = *hard});
}

void Validator::capabilities() {
  for (const std::string& item : draft_.cap_add) {
    std::string name = item;
    for (char& letter : name)
      letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    if (name.starts_with("CAP_")) name.erase(0, 4);
    const auto* const known = std::ranges::find_if(
        kCapabilities, [&](const NamedCapability& one) { return name == one.name; });
    if (known == std::end(kCapabilities)) {
      refuse(
          "--cap-add", item,
          "only CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE NET_RAW SETGID SETUID can "
          "be kept: every other one reaches beyond a container");
    } else if (!known->on_host_ids && draft_.userns.value_or("auto") == "host") {
      refuse("--cap-add", item, "with --userns host it would hold on the host's own files and ids");
    } else if (std::ranges::find(spec_.capabilities, known->number) == spec_.capabilities.end()) {
      spec_.capabilities.push_back(known->number);
    }
  }
}

void Validator::system_calls() {
  for (const std::string& name : draft_.seccomp_allow) {
    const auto number = optional_call(name);
    if (!number) {
      refuse("--seccomp-allow", name, why_not_allowed(name));
    } else if (std::ranges::find(spec_.seccomp_allow, *number) == spec_.seccomp_allow.end()) {
      spec_.seccomp_allow.push_back(*number);
    }
  }
}

}  // namespace nucleus::spec
