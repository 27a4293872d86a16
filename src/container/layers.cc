#include "container/layers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <string_view>

#include "sys/file.h"

namespace nucleus::container {
namespace {

std::string_view field(std::string_view status, std::string_view name) {
  const std::string key = "\n" + std::string(name) + ":\t";
  const std::size_t found = status.find(key);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = found + key.size();
  return status.substr(begin, status.find('\n', begin) - begin);
}

template <typename T>
T number(std::string_view text, int base) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

spec::Layers read_layers(pid_t pid) {
  spec::Layers layers;
  const std::string proc = "/proc/" + std::to_string(pid);
  for (const char* name : {"user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"}) {
    struct stat theirs{};
    struct stat ours{};
    const std::string link = std::string("/ns/") + name;
    if (::stat((proc + link).c_str(), &theirs) == 0 &&
        ::stat(("/proc/self" + link).c_str(), &ours) == 0 && theirs.st_ino != ours.st_ino) {
      layers.namespaces.emplace_back(name);
    }
  }
  const auto status = sys::read_file_at(AT_FDCWD, proc + "/status");
  if (!status) return layers;
  layers.no_new_privs = field(*status, "NoNewPrivs") == "1";
  layers.seccomp_mode = number<int>(field(*status, "Seccomp"), 10);
  layers.seccomp_filters = number<int>(field(*status, "Seccomp_filters"), 10);
  std::uint64_t capabilities = 0;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    capabilities |= number<std::uint64_t>(field(*status, set), 16);
  }
  char digits[17] = {};
  const auto end = std::to_chars(digits, digits + 16, capabilities, 16);
  layers.capabilities.assign(digits, end.ptr);
  return layers;
}

}  // namespace nucleus::container
