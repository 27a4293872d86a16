#include "spec/validate.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace nucleus::spec {
namespace {

constexpr std::uint64_t kDefaultPids = 512;
constexpr std::size_t kMostVolumes =
    60;  // launch/child/handshake.h, kMostTrees, less rootfs and context
constexpr ByteSize kDefaultTmpfs{64ULL << 20};
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Places that the container's root needs for itself: a volume on one of them would undo a
// protection.
constexpr const char* kReserved[] = {"/", "/proc", "/sys", "/dev"};

class Validator {
 public:
  Validator(const Draft& draft, const char* (*getenv)(const char*), const std::string& base)
      : draft_(draft), getenv_(getenv), base_(base) {}

  Validation run() {
    command();
    names();
    identity();
    environment();
    sources();
    targets();
    resources();
    modes();
    Validation out;
    out.errors = std::move(errors_);
    if (out.errors.empty()) out.spec = std::move(spec_);
    return out;
  }

 private:
  void refuse(const std::string& flag, const std::string& value, std::string hint) {
    errors_.push_back(
        fail(Kind::usage, 0, "take this value for " + flag, value, std::move(hint)).error());
  }

  template <typename T>
  bool take(Result<T> result, T& into) {
    if (!result) {
      errors_.push_back(std::move(result.error()));
      return false;
    }
    into = *result;
    return true;
  }

  // Text that ends up in argv, environment or a mount option: a NUL would cut it short silently.
  bool has_nul(const std::string& text) const { return text.find('\0') != std::string::npos; }

  void command() {
    if (draft_.argv.empty() || draft_.argv.front().empty()) {
      errors_.push_back(fail(Kind::usage, 0, "run nothing", "",
                             "name the command: nucleus run [FLAGS] [--] COMMAND [ARG...]")
                            .error());
    }
    spec_.argv = draft_.argv;
  }

  void names() {
    if (draft_.name) {
      const std::string& name = *draft_.name;
      const bool good = !name.empty() && name.size() <= 64 &&
                        std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
                        std::ranges::all_of(name, [](unsigned char c) {
                          return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
                        });
      if (!good)
        refuse("--name", name,
               "use 1 to 64 letters, digits, '_', '.' and '-', beginning with a letter or digit");
      spec_.name = name;
    }
    spec_.hostname = draft_.hostname.value_or(draft_.name.value_or("nucleus"));
    if (draft_.hostname) {
      const std::string& host = *draft_.hostname;
      const bool good = !host.empty() && host.size() <= 64 && host.front() != '-' &&
                        host.back() != '-' && host.front() != '.' &&
                        std::ranges::all_of(host, [](unsigned char c) {
                          return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
                        });
      if (!good) refuse("--hostname", host, "use 1 to 64 letters, digits, '.', '_' and '-'");
    }
  }

  bool parse_id(const std::string& flag, const std::string& text, std::uint32_t& id) {
    // The two names that every container's own passwd and group have; others are looked up by a
    // later capability.
    if (text == "root") {
      id = 0;
      return true;
    }
    if (text == "nobody" || text == "nogroup") {
      id = 65534;
      return true;
    }
    std::uint64_t number = 0;
    auto parsed = parse_number(flag, text, 0, 4'294'967'294ULL);
    if (!parsed) {
      refuse(flag, text, "give a numeric id from 0 to 4294967294, or root or nobody");
      return false;
    }
    number = *parsed;
    id = static_cast<std::uint32_t>(number);
    return true;
  }

  void identity() {
    if (draft_.user) {
      const std::size_t colon = draft_.user->find(':');
      const std::string user = draft_.user->substr(0, colon);
      if (parse_id("--user", user, spec_.identity.uid)) spec_.identity.gid = spec_.identity.uid;
      if (colon != std::string::npos) {
        if (draft_.group) {
          refuse("--user", *draft_.user,
                 "it names a group and so does --group: give the group once");
        } else {
          parse_id("--user", draft_.user->substr(colon + 1), spec_.identity.gid);
        }
      }
    }
    if (draft_.group) parse_id("--group", *draft_.group, spec_.identity.gid);
  }

  void environment() {
    spec_.home = spec_.identity.uid == 0 ? "/root" : draft_.rootfs ? "/" : "/home/user";
    spec_.env = {std::string("PATH=") + kDefaultPath, "HOME=" + spec_.home,
                 "HOSTNAME=" + spec_.hostname, "LANG=C.UTF-8"};
    if (const char* term = getenv_("TERM")) set_env(std::string("TERM=") + term);
    for (const std::string& item : draft_.env) {
      const std::size_t equals = item.find('=');
      if (item.empty() || equals == 0 || has_nul(item)) {
        refuse("--env", item, "write NAME=VALUE, or NAME to pass on your own value");
      } else if (equals != std::string::npos) {
        set_env(item);
      } else if (const char* value = getenv_(item.c_str())) {
        set_env(item + "=" + value);
      }
    }
  }

  void set_env(const std::string& item) {
    const std::string key = item.substr(0, item.find('=') + 1);
    std::erase_if(spec_.env, [&](const std::string& other) { return other.starts_with(key); });
    spec_.env.push_back(item);
  }

  std::string source(const std::string& flag, const std::string& text) {
    if (text.empty() || has_nul(text)) {
      refuse(flag, text, "name a path on the host");
      return {};
    }
    // A trailing slash would make the kernel follow a link that is to be refused.
    const std::size_t last = text.find_last_not_of('/');
    if (last == std::string::npos) return "/";
    const std::string path = text.substr(0, last + 1);
    return path.front() == '/' ? path : base_ + "/" + path;
  }

  void sources() {
    if (draft_.rootfs) spec_.rootfs = source("--rootfs", *draft_.rootfs);
    if (draft_.context) {
      Context context;
      context.source = source("--context", *draft_.context);
      context.include = draft_.context_include;
      const std::string mode = draft_.context_mode.value_or("copy");
      if (mode == "bind") {
        context.mode = ContextMode::bind;
        if (!context.include.empty()) {
          refuse("--context-include", context.include.front(),
                 "a bind shows the directory as it is; use --context-mode copy to choose what is "
                 "in it");
        }
      } else if (mode != "copy") {
        refuse("--context-mode", mode, "use copy or bind");
      }
      spec_.context = std::move(context);
    } else if (draft_.context_mode) {
      refuse("--context-mode", *draft_.context_mode, "it needs --context DIR");
    } else if (!draft_.context_include.empty()) {
      refuse("--context-include", draft_.context_include.front(), "it needs --context DIR");
    }
    spec_.cwd = spec_.context ? "/context" : "/";
    if (draft_.workdir) {
      spec_.cwd = normal_path(*draft_.workdir);
      if (spec_.cwd.empty())
        refuse("--workdir", *draft_.workdir,
               "give an absolute path in the container, without '..'");
    }
  }

  void target(const std::string& flag, const std::string& whole, const std::string& path) {
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

  void targets() {
    if (spec_.context) targets_.insert("/context");
    for (const std::string& item : draft_.volumes) volume(item);
    for (const std::string& item : draft_.tmpfs) tmpfs(item);
    if (spec_.volumes.size() > kMostVolumes) {
      refuse("--volume", std::to_string(spec_.volumes.size()) + " of them", "at most 60 volumes");
    }
  }

  void volume(const std::string& item) {
    const char* const form =
        "write SOURCE:TARGET[:ro|rw], both absolute; a volume is read-only unless :rw is given";
    const std::size_t first = item.find(':');
    if (first == std::string::npos || first == 0) return refuse("--volume", item, form);
    const std::size_t second = item.find(':', first + 1);
    const std::string options = second == std::string::npos ? "ro" : item.substr(second + 1);
    Volume volume;
    volume.source = source("--volume", item.substr(0, first));
    volume.target = normal_path(
        item.substr(first + 1, second == std::string::npos ? second : second - first - 1));
    volume.writable = options == "rw";
    if (volume.target.empty() || (options != "ro" && options != "rw"))
      return refuse("--volume", item, form);
    if (item.front() != '/' && item.front() != '.') {
      return refuse("--volume", item,
                    "a source begins with '/' or '.'; named volumes do not exist here");
    }
    target("--volume", item, volume.target);
    spec_.volumes.push_back(std::move(volume));
  }

  void tmpfs(const std::string& item) {
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
        const std::string mode = option.substr(5);
        if (mode.empty() || mode.size() > 4 ||
            mode.find_first_not_of("01234567") != std::string::npos) {
          return refuse("--tmpfs", item, "mode= takes up to four octal digits");
        }
        tmpfs.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8));
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

  void resources() {
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

  void memory_swap() {
    if (!draft_.memory) return refuse("--memory-swap", *draft_.memory_swap, "it needs --memory");
    ByteSize size;
    if (!take(ByteSize::parse("--memory-swap", *draft_.memory_swap), size) ||
        !spec_.resources.memory)
      return;
    if (size.bytes < spec_.resources.memory->bytes) {
      return refuse("--memory-swap", *draft_.memory_swap,
                    "it counts memory and swap together: at least --memory's value");
    }
    spec_.resources.memory_swap = size;
  }

  void cpuset(const std::string& flag, const std::optional<std::string>& given, std::string& into) {
    if (!given) return;
    const bool good = !given->empty() &&
                      std::isdigit(static_cast<unsigned char>(given->front())) != 0 &&
                      std::isdigit(static_cast<unsigned char>(given->back())) != 0 &&
                      given->find_first_not_of("0123456789,-") == std::string::npos;
    if (!good) return refuse(flag, *given, "give a list of numbers and ranges, such as 0-1,3");
    into = *given;
  }

  void modes() {
    const std::string network = draft_.network.value_or("none");
    if (network == "host") {
      spec_.network = NetworkMode::host;
      if (!draft_.allow_host_network) {
        refuse("--network", network,
               "the host's network is shared only if --allow-host-network says that this is meant");
      }
    } else if (network != "none") {
      refuse("--network", network, "use none or host");
    }
    if (draft_.allow_host_network && network != "host") {
      refuse("--allow-host-network", "", "it goes with --network host, which was not given");
    }
    const std::string userns = draft_.userns.value_or("auto");
    if (userns == "host") {
      spec_.userns = UserNamespace::host;
    } else if (userns != "auto") {
      refuse("--userns", userns, "use auto or host");
    }
    if (draft_.timeout) {
      std::chrono::milliseconds timeout{};
      if (take(parse_duration("--timeout", *draft_.timeout), timeout)) spec_.timeout = timeout;
    }
    spec_.init = draft_.init.value_or(true);
  }

  const Draft& draft_;
  const char* (*getenv_)(const char*);
  const std::string& base_;
  ContainerSpec spec_;
  std::vector<Error> errors_;
  std::set<std::string> targets_;
};

}  // namespace

std::string normal_path(const std::string& text) {
  if (text.empty() || text.front() != '/' || text.size() > 4095 ||
      text.find('\0') != std::string::npos)
    return {};
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('/', at + 1), text.size());
    const std::string part = text.substr(at + 1, end - at - 1);
    if (part == "..") return {};
    if (!part.empty() && part != ".") out += "/" + part;
    at = end;
  }
  return out.empty() ? "/" : out;
}

Validation validate(const Draft& draft, const char* (*getenv)(const char*),
                    const std::string& base) {
  return Validator(draft, getenv, base).run();
}

}  // namespace nucleus::spec
