// What is shown inside: volumes, places in memory, secrets, names of hosts, sysctls.
#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

#include "spec/names.h"
#include "spec/validator.h"

namespace nucleus::spec {
namespace {

constexpr std::size_t kMostVolumes =
    60;  // launch/child/handshake.h, kMostTrees, less rootfs and context
constexpr ByteSize kDefaultTmpfs{64ULL << 20};
// Places that the container's root needs for itself: a volume on one of them would undo a
// protection.
constexpr const char* kReserved[] = {"/", "/proc", "/sys", "/dev"};
constexpr std::string_view kSecrets = "/run/secrets/";
// The kernel keeps these by namespace; every other one is the host's.
constexpr const char* kNamespacedSysctls[] = {
    "net/",       "fs/mqueue/",    "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni",
    "kernel/sem", "kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced",
};

// "a=b,c" into its parts; a part in double quotes may hold commas, as in CSV. Nothing when a quote
// stays open.
std::optional<std::vector<std::string>> comma_fields(const std::string& text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char letter : text) {
    if (letter == '"') {
      quoted = !quoted;
    } else if (letter == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += letter;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

std::optional<std::uint32_t> octal_mode(const std::string& text) {
  if (text.empty() || text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos)
    return std::nullopt;
  return static_cast<std::uint32_t>(std::stoul(text, nullptr, 8));
}

bool is_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string::npos && !has_nul(name);
}

}  // namespace

std::string Validator::source(const std::string& flag, const std::string& text) {
  if (text.empty() || has_nul(text)) {
    refuse(flag, text, "name a path on the host");
    return {};
  }
  // A trailing slash would make the kernel follow a link that is to be refused.
  const std::size_t last = text.find_last_not_of('/');
  if (last == std::string::npos) return "/";
  const std::string path = text.substr(0, last + 1);
  return path.front() == '/' ? path : around_.base + "/" + path;
}

void Validator::target(const std::string& flag, const std::string& whole, const std::string& path) {
  for (const char* reserved : kReserved) {
    const std::string below = std::string(reserved) + "/";
    // /dev/shm alone may be replaced; everything else under these is nucleus' own.
    if (path == reserved || (path.starts_with(below) && below != "//" && path != "/dev/shm")) {
      refuse(flag, whole,
             "'" + path + "' belongs to the container's own root; choose another place");
      return;
    }
  }
  if (!targets_.insert(path).second)
    refuse(flag, whole, "'" + path + "' is already the target of another mount");
}

void Validator::targets() {
  if (spec_.context) targets_.insert("/context");
  for (const std::string& item : draft_.secrets) secret(item);
  for (const std::string& item : draft_.credentials) credential(item);
  if (!spec_.secrets.empty()) targets_.insert("/run/secrets");
  for (const std::string& item : draft_.volumes) volume(item);
  for (const std::string& item : draft_.devices) device(item);
  for (const std::string& item : draft_.tmpfs) tmpfs(item);
  for (const std::string& item : draft_.mounts) mount(item);
  if (spec_.volumes.size() > kMostVolumes) {
    refuse("--volume", std::to_string(spec_.volumes.size()) + " of them", "at most 60 volumes");
  }
  if (draft_.shm_size && take(ByteSize::parse("--shm-size", *draft_.shm_size), spec_.shm_size) &&
      spec_.shm_size.bytes == 0) {
    refuse("--shm-size", *draft_.shm_size, "0 would mean without a limit: name one");
  }
}

std::string Validator::named_volume(const std::string& flag, const std::string& item,
                                    const std::string& name) {
  if (!is_plain_name(name)) {
    refuse(flag, item,
           std::string("for a volume's name ") + kPlainNameRule +
               "; the path of a file or directory begins with '/' or '.'");
  } else if (around_.volumes.empty()) {
    refuse(flag, item,
           "there is no place for named volumes: set NUCLEUS_DATA_DIR, XDG_DATA_HOME or HOME to an "
           "absolute path");
  }
  return around_.volumes + "/" + name + "/data";
}

void Validator::volume(const std::string& item) {
  const char* const form =
      "write SOURCE:TARGET[:ro|rw], both absolute, or NAME:TARGET[:ro|rw]; a path is read-only "
      "unless :rw is given, a named volume writable unless :ro is";
  const std::size_t first = item.find(':');
  if (first == std::string::npos || first == 0) return refuse("--volume", item, form);
  const std::size_t second = item.find(':', first + 1);
  const bool named = item.front() != '/' && item.front() != '.';
  const std::string options =
      second != std::string::npos ? item.substr(second + 1) : (named ? "rw" : "ro");
  Volume volume{.source = {}, .target = {}, .flag = "--volume " + item};
  volume.target = normal_path(
      item.substr(first + 1, second == std::string::npos ? second : second - first - 1));
  volume.writable = options == "rw";
  if (volume.target.empty() || (options != "ro" && options != "rw"))
    return refuse("--volume", item, form);
  if (named) {
    volume.name = item.substr(0, first);
    volume.source = named_volume("--volume", item, volume.name);
  } else {
    volume.source = source("--volume", item.substr(0, first));
  }
  if (spec_.shares_host() && normal_path(volume.source) != volume.target) {
    return refuse("--volume", item,
                  "with --isolation landlock a path is the same inside: source and target must be "
                  "equal");
  }
  target("--volume", item, volume.target);
  spec_.volumes.push_back(std::move(volume));
}

void Validator::tmpfs(const std::string& item) {
  const std::size_t colon = item.find(':');
  Tmpfs tmpfs;
  tmpfs.size = kDefaultTmpfs;
  tmpfs.target = normal_path(item.substr(0, colon));
  if (tmpfs.target.empty())
    return refuse("--tmpfs", item, "write TARGET[:size=SIZE,mode=OCTAL,exec]");
  std::string rest = colon == std::string::npos ? "" : item.substr(colon + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string option = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    if (option.starts_with("size=")) {
      if (!take(ByteSize::parse("--tmpfs", option.substr(5)), tmpfs.size)) return;
      if (tmpfs.size.bytes == 0)
        return refuse("--tmpfs", item, "size=0 would mean without a limit: name one");
    } else if (option.starts_with("mode=")) {
      const auto mode = octal_mode(option.substr(5));
      if (!mode) return refuse("--tmpfs", item, "mode= takes up to four octal digits");
      tmpfs.mode = *mode;
    } else if (option == "exec") {
      tmpfs.executable = true;
    } else if (option != "noexec" && option != "rw") {
      return refuse("--tmpfs", item,
                    "'" + option + "' is no option of it: use size=, mode=, exec or noexec");
    }
  }
  // The container's own /tmp may be replaced; the check is for everything else.
  target("--tmpfs", item, tmpfs.target);
  spec_.tmpfs.push_back(std::move(tmpfs));
}

// Docker's long form: "type=bind,source=/a:b,target=/c,readonly".
void Validator::mount(const std::string& item) {
  const char* const form =
      "write type=bind,source=PATH,target=PATH[,rw][,idmap=yes|no], "
      "type=volume,source=NAME,target=PATH[,ro] or type=tmpfs,target=PATH[,size=,mode=,exec]; "
      "a part with a comma goes into double quotes";
  const auto fields = comma_fields(item);
  if (!fields) return refuse("--mount", item, "a double quote stays open");
  std::string type = "bind";
  std::string from;
  std::string to;
  std::string size;
  std::string mode;
  std::string owners;
  std::optional<bool> writable;
  bool executable = false;
  for (const std::string& field : *fields) {
    const std::size_t equals = field.find('=');
    const std::string key = field.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
    const bool yes = value.empty() || value == "true" || value == "1";
    if (key == "type") {
      type = value;
    } else if (key == "source" || key == "src") {
      from = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      to = value;
    } else if (key == "size" || key == "tmpfs-size") {
      size = value;
    } else if (key == "mode" || key == "tmpfs-mode") {
      mode = value;
    } else if (key == "idmap" && (value == "yes" || value == "no")) {
      owners = value;
    } else if (key == "rw" && equals == std::string::npos) {
      writable = true;
    } else if (key == "exec" && equals == std::string::npos) {
      executable = true;
    } else if ((key == "readonly" || key == "ro") && (yes || value == "false" || value == "0")) {
      writable = !yes;
    } else {
      return refuse("--mount", item, "'" + field + "' is no part of it: " + form);
    }
  }
  const std::string normal = normal_path(to);
  if (normal.empty()) return refuse("--mount", item, form);
  if (type == "bind") {
    if (from.empty() || !size.empty() || !mode.empty() || executable)
      return refuse("--mount", item, form);
    if (spec_.shares_host() && normal_path(source("--mount", from)) != normal) {
      return refuse("--mount", item,
                    "with --isolation landlock a path is the same inside: source and target must "
                    "be equal");
    }
    target("--mount", item, normal);
    spec_.volumes.push_back({.source = source("--mount", from),
                             .target = normal,
                             .writable = writable.value_or(false),
                             .owners = owners.empty()    ? OwnerMap::automatic
                                       : owners == "yes" ? OwnerMap::yes
                                                         : OwnerMap::no,
                             .flag = "--mount " + item});
  } else if (type == "tmpfs") {
    if (!from.empty() || !owners.empty()) return refuse("--mount", item, form);
    Tmpfs tmpfs{.target = normal, .size = kDefaultTmpfs, .executable = executable};
    if (!size.empty() && !take(ByteSize::parse("--mount", size), tmpfs.size)) return;
    if (tmpfs.size.bytes == 0)
      return refuse("--mount", item, "size=0 would mean without a limit: name one");
    const auto bits = octal_mode(mode.empty() ? "1777" : mode);
    if (!bits) return refuse("--mount", item, "mode= takes up to four octal digits");
    tmpfs.mode = *bits;
    target("--mount", item, normal);
    spec_.tmpfs.push_back(std::move(tmpfs));
  } else if (type == "volume") {
    if (from.empty() || !size.empty() || !mode.empty() || executable || !owners.empty())
      return refuse("--mount", item, form);
    target("--mount", item, normal);
    spec_.volumes.push_back({.name = from,
                             .source = named_volume("--mount", item, from),
                             .target = normal,
                             .writable = writable.value_or(true),
                             .flag = "--mount " + item});
  } else {
    refuse("--mount", item, form);
  }
}

void Validator::add_secret(const std::string& flag, const std::string& item, std::string source,
                           std::string name) {
  if (name.starts_with(kSecrets)) name.erase(0, kSecrets.size());
  if (!is_file_name(name))
    return refuse(flag, item, "the name below /run/secrets is one file name, without '/'");
  if (std::ranges::any_of(spec_.secrets, [&](const Secret& other) { return other.name == name; }))
    return refuse(flag, item, "'/run/secrets/" + name + "' is already another secret");
  spec_.secrets.push_back(
      {.source = std::move(source), .name = std::move(name), .flag = flag + " " + item});
}

void Validator::secret(const std::string& item) {
  const std::size_t colon = item.rfind(':');
  const std::string path = item.substr(0, colon);
  if (path.empty()) return refuse("--secret", item, "write FILE, or FILE:NAME");
  add_secret(
      "--secret", item, source("--secret", path),
      colon == std::string::npos ? path.substr(path.rfind('/') + 1) : item.substr(colon + 1));
}

// systemd.exec(5), "Credentials": files of a service, in a directory of its own.
void Validator::credential(const std::string& item) {
  const std::size_t colon = item.find(':');
  const std::string credential = item.substr(0, colon);
  const char* const directory = around_.getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || directory[0] != '/') {
    return refuse("--systemd-credential", item,
                  "CREDENTIALS_DIRECTORY is not set: systemd sets it for services with "
                  "LoadCredential= or SetCredential=");
  }
  if (!is_file_name(credential))
    return refuse("--systemd-credential", item, "write CREDENTIAL, or CREDENTIAL:NAME");
  add_secret("--systemd-credential", item, std::string(directory) + "/" + credential,
             colon == std::string::npos ? credential : item.substr(colon + 1));
}

void Validator::hosts() {
  const auto in_name = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  };
  for (const std::string& item : draft_.hosts) {
    const std::size_t colon = item.find(':');
    const std::string name = item.substr(0, colon);
    std::string address = colon == std::string::npos ? "" : item.substr(colon + 1);
    if (address.starts_with('[') && address.ends_with(']'))
      address = address.substr(1, address.size() - 2);
    unsigned char parsed[16];
    const bool good = !name.empty() && name.size() <= 253 && std::ranges::all_of(name, in_name) &&
                      (::inet_pton(AF_INET, address.c_str(), parsed) == 1 ||
                       ::inet_pton(AF_INET6, address.c_str(), parsed) == 1);
    if (good) {
      spec_.hosts.emplace_back(name, address);
    } else {
      refuse("--add-host", item, "write NAME:ADDRESS, such as db:10.0.0.7 or db:fd00::7");
    }
  }
}

void Validator::sysctls() {
  for (const std::string& item : draft_.sysctls) {
    const std::size_t equals = item.find('=');
    std::string key = item.substr(0, equals);
    // sysctl(8): where dots separate, a slash stands for a dot in a name.
    if (const std::size_t first = key.find_first_of("./");
        first != std::string::npos && key[first] == '.') {
      for (char& letter : key) letter = letter == '.' ? '/' : letter == '/' ? '.' : letter;
    }
    const bool safe = equals != std::string::npos && !key.empty() && !has_nul(item) &&
                      key.front() != '/' && key.back() != '/' &&
                      ("/" + key + "/").find("/../") == std::string::npos;
    if (!safe) {
      refuse("--sysctl", item, "write NAME=VALUE, such as net.ipv4.ip_forward=1");
      continue;
    }
    const bool own = std::ranges::any_of(kNamespacedSysctls, [&](std::string_view allowed) {
      return allowed.ends_with('/') ? key.starts_with(allowed) : key == allowed;
    });
    if (!own) {
      refuse("--sysctl", item,
             "this one belongs to the whole host; a container has its own net.*, kernel.msg*, "
             "kernel.sem, kernel.shm* and fs.mqueue.*");
    } else if (key.starts_with("net/") && draft_.network.value_or("none") == "host") {
      refuse("--sysctl", item, "with --network host the network's settings are the host's");
    } else {
      spec_.sysctls.emplace_back(key, item.substr(equals + 1));
    }
  }
}

}  // namespace nucleus::spec
