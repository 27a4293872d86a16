#include "spec/validate.h"

#include <algorithm>
#include <cctype>

#include "spec/accounts.h"
#include "spec/names.h"
#include "spec/validator.h"

namespace nucleus::spec {
namespace {

// A mistaken `--context /` must not fill the host's memory.
constexpr ByteSize kDefaultContext{2ULL << 30};
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
         std::ranges::all_of(name, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
         });
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

Validation Validator::run() {
  level();
  command();
  names();
  identity();
  environment();
  sources();
  targets();
  hosts();
  sysctls();
  resources();
  capabilities();
  system_calls();
  modes();
  time_namespace();
  labels();
  life();
  descriptors();
  audit();
  service_mode();
  if (spec_.shares_host()) without_namespaces();
  Validation out;
  out.errors = std::move(errors_);
  if (out.errors.empty()) out.spec = std::move(spec_);
  return out;
}

void Validator::refuse(const std::string& flag, const std::string& value, std::string hint) {
  errors_.push_back(
      fail(Kind::usage, 0, "take this value for " + flag, value, std::move(hint)).error());
}

void Validator::command() {
  spec_.argv = draft_.argv;
  if (draft_.entrypoint) {
    if (draft_.entrypoint->empty()) {
      refuse("--entrypoint", "", "name a command; without the flag the first word is the command");
    }
    spec_.argv.insert(spec_.argv.begin(), *draft_.entrypoint);
  }
  if (spec_.argv.empty() || spec_.argv.front().empty()) {
    errors_.push_back(fail(Kind::usage, 0, "run nothing", "",
                           "name the command: nucleus run [FLAGS] [--] COMMAND [ARG...]")
                          .error());
  }
}

void Validator::names() {
  if (draft_.name) {
    const std::string& name = *draft_.name;
    if (!is_plain_name(name)) refuse("--name", name, kPlainNameRule);
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

// The root's own passwd and group decide, never the host's. The curated root has root, nobody and
// nogroup.
bool Validator::parse_user(const std::string& flag, const std::string& text) {
  Identity& identity = spec_.identity;
  if (const auto account = find_user(around_.passwd, text)) {
    identity.uid = account->uid;
    identity.gid = account->gid;
    if (account->home.starts_with('/')) spec_.home = normal_path(account->home);
    return true;
  }
  if (text == "root" || text == "nobody") {
    identity.uid = identity.gid = text == "root" ? 0 : 65534;
    return true;
  }
  const auto parsed = parse_number(flag, text, 0, 4'294'967'294ULL);
  if (!parsed) {
    refuse(flag, text,
           draft_.rootfs
               ? "the rootfs has no user of this name in its /etc/passwd; a number from 0 to "
                 "4294967294 does too"
               : "give a numeric id from 0 to 4294967294, or root or nobody");
    return false;
  }
  identity.uid = static_cast<std::uint32_t>(*parsed);
  identity.gid = identity.uid;
  return true;
}

bool Validator::parse_group(const std::string& flag, const std::string& text, std::uint32_t& gid) {
  if (const auto found = find_group(around_.group, text)) {
    gid = *found;
    return true;
  }
  if (text == "root" || text == "nogroup" || text == "nobody") {
    gid = text == "root" ? 0 : 65534;
    return true;
  }
  const auto parsed = parse_number(flag, text, 0, 4'294'967'294ULL);
  if (!parsed) {
    refuse(flag, text,
           draft_.rootfs
               ? "the rootfs has no group of this name in its /etc/group; a number from 0 to "
                 "4294967294 does too"
               : "give a numeric id from 0 to 4294967294, or root or nobody");
    return false;
  }
  gid = static_cast<std::uint32_t>(*parsed);
  return true;
}

void Validator::identity() {
  if (draft_.user) {
    const std::size_t colon = draft_.user->find(':');
    parse_user("--user", draft_.user->substr(0, colon));
    if (colon != std::string::npos) {
      if (draft_.group) {
        refuse("--user", *draft_.user, "it names a group and so does --group: give the group once");
      } else {
        parse_group("--user", draft_.user->substr(colon + 1), spec_.identity.gid);
      }
    }
  }
  if (draft_.group) parse_group("--group", *draft_.group, spec_.identity.gid);
  for (const std::string& item : draft_.groups) {
    std::uint32_t gid = 0;
    if (!parse_group("--additional-group", item, gid)) continue;
    std::vector<std::uint32_t>& groups = spec_.identity.groups;
    if (std::ranges::find(groups, gid) == groups.end()) groups.push_back(gid);
  }
  if (spec_.identity.groups.size() > 64) {
    refuse("--additional-group", std::to_string(spec_.identity.groups.size()) + " of them",
           "at most 64 groups");
  }
}

void Validator::environment() {
  if (spec_.home.empty())
    spec_.home = spec_.identity.uid == 0 ? "/root" : draft_.rootfs ? "/" : "/home/user";
  spec_.env = {std::string("PATH=") + kDefaultPath, "HOME=" + spec_.home,
               spec_.shares_host() ? "TMPDIR=" + spec_.home : "HOSTNAME=" + spec_.hostname,
               "LANG=C.UTF-8"};
  if (const char* term = around_.getenv("TERM")) set_env(std::string("TERM=") + term);
  for (const std::string& item : draft_.env) {
    const std::size_t equals = item.find('=');
    if (item.empty() || equals == 0 || has_nul(item)) {
      refuse("--env", item, "write NAME=VALUE, or NAME to pass on your own value");
    } else if (std::ranges::any_of(item.substr(0, equals),
                                   [](unsigned char c) { return c <= 0x20 || c == 0x7F; })) {
      refuse("--env", item, "a name holds no spaces: put quotes around the value alone");
    } else if (equals != std::string::npos) {
      set_env(item);
    } else if (const char* value = around_.getenv(item.c_str())) {
      set_env(item + "=" + value);
    }
  }
}

void Validator::set_env(const std::string& item) {
  const std::string key = item.substr(0, item.find('=') + 1);
  std::erase_if(spec_.env, [&](const std::string& other) { return other.starts_with(key); });
  spec_.env.push_back(item);
}

void Validator::sources() {
  if (draft_.rootfs) spec_.rootfs = source("--rootfs", *draft_.rootfs);
  if (draft_.context) {
    Context context;
    context.source = source("--context", *draft_.context);
    context.verify = draft_.verify_context.value_or(false);
    context.include = draft_.context_include;
    context.size = kDefaultContext;
    const std::string mode = draft_.context_mode.value_or("copy");
    if (mode == "bind") {
      context.mode = ContextMode::bind;
      if (!context.include.empty()) {
        refuse("--context-include", context.include.front(),
               "a bind shows the directory as it is; use --context-mode copy to choose what is "
               "in it");
      }
      if (draft_.context_size)
        refuse("--context-size", *draft_.context_size,
               "a bind takes no room: leave one of both out");
    } else if (mode != "copy") {
      refuse("--context-mode", mode, "use copy or bind");
    }
    // Memory that it may not have is no room. What is wrong about --memory, resources() says.
    if (draft_.memory) {
      if (const auto memory = ByteSize::parse("--memory", *draft_.memory)) context.size = *memory;
    }
    if (draft_.context_size &&
        take(ByteSize::parse("--context-size", *draft_.context_size), context.size) &&
        context.size.bytes == 0)
      refuse("--context-size", *draft_.context_size, "0 would mean without a limit: name one");
    spec_.context = std::move(context);
  } else if (draft_.verify_context.value_or(false)) {
    refuse("--verify-context-integrity", "", "it needs --context DIR");
  } else if (draft_.context_mode) {
    refuse("--context-mode", *draft_.context_mode, "it needs --context DIR");
  } else if (!draft_.context_include.empty()) {
    refuse("--context-include", draft_.context_include.front(), "it needs --context DIR");
  } else if (draft_.context_size) {
    refuse("--context-size", *draft_.context_size, "it needs --context DIR");
  }
  spec_.cwd = spec_.context ? "/context" : "/";
  if (spec_.shares_host()) {
    const bool in_place = spec_.context && spec_.context->mode == ContextMode::bind;
    spec_.cwd = in_place ? spec_.context->source : spec_.home + (spec_.context ? "/context" : "");
  }
  if (draft_.workdir) {
    spec_.cwd = normal_path(*draft_.workdir);
    if (spec_.cwd.empty())
      refuse("--workdir", *draft_.workdir, "give an absolute path in the container, without '..'");
  }
}

void Validator::modes() {
  const std::string network = draft_.network.value_or("none");
  if (network == "host") {
    spec_.network = NetworkMode::host;
    if (!draft_.allow_host_network.value_or(false)) {
      refuse("--network", network,
             "the host's network is shared only if --allow-host-network says that this is meant");
    }
  } else if (network != "none") {
    refuse("--network", network, "use none or host");
  }
  if (draft_.allow_host_network.value_or(false) && network != "host") {
    refuse("--allow-host-network", "", "it goes with --network host, which was not given");
  }
  const std::string userns = draft_.userns.value_or("auto");
  if (userns == "host") {
    spec_.userns = UserNamespace::host;
  } else if (userns != "auto") {
    refuse("--userns", userns, "use auto or host");
  }
  for (const std::string& layer : draft_.allow_degraded) {
    if (layer == "landlock") {
      spec_.may_miss.landlock = true;
    } else if (layer == "keyring") {
      spec_.may_miss.keyring = true;
    } else if (layer == "cgroup") {
      spec_.may_miss.cgroup = true;
    } else {
      refuse("--allow-degraded", layer,
             "landlock, keyring and cgroup are the layers that a host can lack; --userns host does "
             "without a user namespace, and nothing does without the others");
    }
  }
  if (draft_.timeout) {
    std::chrono::milliseconds timeout{};
    if (take(parse_duration("--timeout", *draft_.timeout), timeout)) spec_.timeout = timeout;
  }
  spec_.init = draft_.init.value_or(true);
  spec_.terminal = draft_.terminal.value_or(false);
  spec_.interactive = draft_.interactive.value_or(false);
  spec_.read_only = draft_.read_only.value_or(false);
  spec_.proc_rw = draft_.proc_rw.value_or(false);
  if (draft_.cidfile) spec_.cidfile = source("--cidfile", *draft_.cidfile);
  if (draft_.hooks) spec_.hooks = source("--hooks", *draft_.hooks);
  if (draft_.pid_file) spec_.pid_file = source("--pid-file", *draft_.pid_file);
}

void Validator::labels() {
  for (const std::string& item : draft_.labels) {
    const std::size_t equals = item.find('=');
    const std::string key = item.substr(0, equals);
    if (key.empty()) {
      refuse("--label", item, "write KEY=VALUE, or KEY");
      continue;
    }
    std::erase_if(spec_.labels, [&](const auto& other) { return other.first == key; });
    spec_.labels.emplace_back(key, equals == std::string::npos ? "" : item.substr(equals + 1));
  }
}

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

Validation validate(const Draft& draft, const Surroundings& around) {
  return Validator(draft, around).run();
}

}  // namespace nucleus::spec
