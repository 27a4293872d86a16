#include "container/oci_hooks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sys/file.h"
#include "sys/process.h"

namespace nucleus::container {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLargest = 16U << 20;
constexpr std::int64_t kLongest = 24LL * 3600;

std::unexpected<Error> wrong(const std::string& file, std::string hint) {
  return fail(Kind::usage, 0, "take --hooks", file, std::move(hint));
}

// Who can change a hook, or put another in its place, runs what he likes as its caller.
Result<> trusted(const struct stat& info, const std::string& path) {
  const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  const bool own = info.st_uid == 0 || info.st_uid == ::geteuid();
  if (own && ((info.st_mode & 022) == 0 || sticky)) return {};
  return fail(Kind::usage, EPERM, "trust for --hooks", path,
              own ? "others may write to it: chmod go-w"
                  : "it belongs to uid " + std::to_string(info.st_uid) + ": chown it");
}

Result<> trusted_path(const std::string& file, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0)
    return fail(Kind::runtime, errno, "look at the hook", path, "--hooks " + file + " names it");
  return trusted(info, path);
}

Result<std::string> checked_path(const std::string& file, const std::string& path) {
  if (!path.starts_with('/'))
    return wrong(file, "the path of a hook is absolute: '" + path + "' is not");
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr)
    return fail(Kind::runtime, errno, "find the hook", path, "--hooks " + file + " names it");
  std::string real(resolved);
  std::free(resolved);  // NOLINT: realpath(3) gives what malloc(3) made
  NUCLEUS_CHECK(trusted_path(file, "/"));
  for (std::size_t at = 1; at != std::string::npos;) {
    at = real.find('/', at);
    NUCLEUS_CHECK(trusted_path(file, real.substr(0, at)));
    if (at != std::string::npos) ++at;
  }
  struct stat info{};
  if (::stat(real.c_str(), &info) < 0 || !S_ISREG(info.st_mode) ||
      ::faccessat(AT_FDCWD, real.c_str(), X_OK, AT_EACCESS) < 0) {
    return fail(Kind::usage, EACCES, "execute the hook", path,
                "it must be a program that you may execute");
  }
  return real;
}

Result<std::vector<std::string>> texts(const std::string& file, const Json& list,
                                       const std::string& what) {
  std::vector<std::string> out;
  if (!list.is_array()) return wrong(file, what + " is a list of texts");
  for (const Json& item : list) {
    if (!item.is_string() || item.get<std::string>().find('\0') != std::string::npos)
      return wrong(file, what + " is a list of texts");
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<OciHook> hook_of(const std::string& file, const std::string& point, const Json& json) {
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string())
    return wrong(file, "each hook of " + point + " is an object with a path");
  OciHook hook{.point = point, .path = {}, .args = {}, .env = std::nullopt};
  for (const auto& [key, value] : json.items()) {
    std::string what = point;
    what.append(".").append(key);
    if (key == "args") {
      hook.args = NUCLEUS_TRY(texts(file, value, what));
    } else if (key == "env") {
      hook.env = NUCLEUS_TRY(texts(file, value, what));
    } else if (key == "timeout") {
      if (!value.is_number_integer() || value.get<std::int64_t>() <= 0 ||
          value.get<std::int64_t>() > kLongest)
        return wrong(file, what + " is a number of seconds from 1 to 86400");
      hook.timeout = std::chrono::seconds(value.get<std::int64_t>());
    } else if (key != "path") {
      return wrong(file, "a hook has path, args, env and timeout, and no '" + key + "'");
    }
  }
  hook.path = NUCLEUS_TRY(checked_path(file, json["path"].get<std::string>()));
  if (hook.args.empty()) hook.args.push_back(json["path"].get<std::string>());
  return hook;
}

std::string state_text(const HookState& state) {
  Json json;
  json["ociVersion"] = "1.0.2";
  json["id"] = state.id;
  json["status"] = state.status;
  if (state.pid != 0) json["pid"] = state.pid;
  json["bundle"] = "";
  json["annotations"] = Json::object();
  for (const auto& [key, value] : state.annotations) json["annotations"][key] = value;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

[[noreturn]] void execute(const OciHook& hook, int input, std::vector<char*>& argv, char** envp) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // What a hook prints is no part of the command's output.
  if (::dup2(input, STDIN_FILENO) == 0 && ::dup2(STDERR_FILENO, STDOUT_FILENO) == 1 &&
      ::chdir("/") == 0)
    ::execve(hook.path.c_str(), argv.data(), envp);
  ::_exit(127);
}

// One descriptor that can be read when the process has ended or its time is over.
Result<sys::UniqueFd> either(int pidfd, int timer) {
  sys::UniqueFd both(::epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {pidfd, timer}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (!both.valid() || ::epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &event) < 0)
      return fail(Kind::runtime, errno, "watch", "a hook");
  }
  return both;
}

using Await = std::function<Result<>(int)>;

Result<> await_end(int pidfd, int timer, const Await& await) {
  const auto both = NUCLEUS_TRY(either(pidfd, timer));
  return await(both.get());
}

// Where a filter hides pidfds, nothing tells of the end: it is looked for now and then, without
// reaping, so that the number stays its own.
Result<> await_by_looking(const sys::Child& child, std::chrono::seconds patience,
                          const Await& await) {
  const sys::UniqueFd tick(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  const timespec often{.tv_sec = 0, .tv_nsec = 10'000'000};
  const itimerspec when{.it_interval = often, .it_value = often};
  if (!tick.valid() || ::timerfd_settime(tick.get(), 0, &when, nullptr) < 0)
    return fail(Kind::runtime, errno, "watch", "a hook");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    siginfo_t info{};
    const int looked =
        ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
    if (looked == 0 && info.si_pid != 0) return {};
    NUCLEUS_CHECK(await(tick.get()));
    std::uint64_t ticks = 0;
    (void)!::read(tick.get(), &ticks, sizeof ticks);
  }
  return {};
}

}  // namespace

Result<OciHooks> read_hooks(const std::string& file) {
  const auto fd = NUCLEUS_TRY(
      sys::open_at(AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, "open --hooks"));
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail(Kind::runtime, errno, "look at --hooks", file);
  NUCLEUS_CHECK(trusted(info, file));

  const std::string text = NUCLEUS_TRY(sys::read_all(fd.get(), file, kLargest));
  const Json whole = Json::parse(text, nullptr, false);
  if (!whole.is_object()) return wrong(file, "it is no JSON object");
  const bool config = whole.contains("hooks");
  const Json& json = config ? whole["hooks"] : whole;
  if (!json.is_object()) return wrong(file, "its hooks are no JSON object");
  OciHooks hooks;
  std::vector<OciHook> create;
  for (const auto& [point, list] : json.items()) {
    const bool inside = point == "createContainer" || point == "startContainer";
    const bool known = inside || point == "prestart" || point == "createRuntime" ||
                       point == "poststart" || point == "poststop";
    if (!known || !list.is_array()) {
      return wrong(file, "'" + point +
                             "' is not there: prestart, createRuntime, poststart and poststop are "
                             "lists of hooks");
    }
    if (inside && !list.empty()) {
      return wrong(file,
                   point +
                       " hooks would run inside the container, where nucleus runs nothing but "
                       "the command: use createRuntime, or put it into the command");
    }
    for (const Json& item : list) {
      std::vector<OciHook>& into = point == "prestart"        ? hooks.before
                                   : point == "createRuntime" ? create
                                   : point == "poststart"     ? hooks.poststart
                                                              : hooks.poststop;
      into.push_back(NUCLEUS_TRY(hook_of(file, point, item)));
    }
  }
  hooks.before.insert(hooks.before.end(), create.begin(), create.end());
  return hooks;
}

Result<> run_hook(const OciHook& hook, const HookState& state,
                  const std::function<Result<>(int)>& await) {
  const sys::UniqueFd input = NUCLEUS_TRY(sys::sealed_memfd("state", state_text(state)));
  ::lseek(input.get(), 0, SEEK_SET);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (const std::string& word : hook.args) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (hook.env)
    for (const std::string& item : *hook.env) envp.push_back(const_cast<char*>(item.c_str()));
  envp.push_back(nullptr);
  const std::string what = "run the " + hook.point + " hook";
  const sys::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(hook.timeout.count());
  if (!timer.valid() || ::timerfd_settime(timer.get(), 0, &when, nullptr) < 0)
    return fail(Kind::runtime, errno, what, hook.path);
  auto child = NUCLEUS_TRY(sys::fork_child(
      [&]() -> int { execute(hook, input.get(), argv, hook.env ? envp.data() : environ); }));
  const pid_t group = child.pid();
  const auto waited = child.pidfd() < 0 ? await_by_looking(child, hook.timeout, await)
                                        : await_end(child.pidfd(), timer.get(), await);
  const auto status = waited ? NUCLEUS_TRY(child.try_wait()) : std::nullopt;
  if (!status) {
    // Not reaped yet: the number is still its own, and so is the group's.
    ::kill(-group, SIGKILL);
    NUCLEUS_CHECK(child.send_signal(SIGKILL));
    NUCLEUS_CHECK(child.wait());
    if (!waited) return std::unexpected(waited.error());
    return fail(Kind::runtime, ETIMEDOUT, what, hook.path,
                "it did not end within " + std::to_string(hook.timeout.count()) +
                    " s and was killed; its timeout can be raised");
  }
  if (status->signal != 0) {
    return fail(Kind::runtime, 0, what, hook.path,
                "signal " + std::to_string(status->signal) + " ended it");
  }
  if (status->code != 0)
    return fail(Kind::runtime, 0, what, hook.path, "it ended with " + std::to_string(status->code));
  return {};
}

}  // namespace nucleus::container
