#include "supervisor/execs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "base/json_fields.h"
#include "container/inside.h"
#include "launch/join.h"
#include "spec/accounts.h"
#include "spec/validate.h"
#include "sys/file.h"
#include "sys/process_tree.h"

namespace nucleus::supervisor {
namespace {

using json::Json;

struct Wanted {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // NAME=VALUE, over the container's own
  std::string cwd;               // empty: the container's
  std::string user;              // empty: the container's
  bool terminal = false;
  std::uint16_t rows = 24, columns = 80;
  std::int64_t timeout_ms = 0;  // 0: none
  bool detach = false;
};

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Wanted>
void fields(F& f, V& v) {
  f("argv", v.argv), f("env", v.env), f("cwd", v.cwd), f("user", v.user);
  f("terminal", v.terminal), f("rows", v.rows), f("columns", v.columns);
  f("timeout_ms", v.timeout_ms), f("detach", v.detach);
}

Result<std::uint32_t> id_number(const std::string& text) {
  const auto number = parse_number("--user", text, 0, 4'294'967'294ULL);
  if (!number) {
    return fail(Kind::usage, 0, "find the user or group", text,
                "the container has none of this name: a number does too");
  }
  return static_cast<std::uint32_t>(*number);
}

void set_env(std::vector<std::string>& env, const std::string& item) {
  const std::string key = item.substr(0, item.find('=') + 1);
  std::erase_if(env, [&](const std::string& other) { return other.starts_with(key); });
  env.push_back(item);
}

Result<> take_user(const std::string& text, pid_t pid, const isolation::IdMaps& maps,
                   spec::ContainerSpec& spec) {
  const std::string passwd = NUCLEUS_TRY(container::read_inside(pid, "etc/passwd"));
  const std::size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  spec.identity = {};
  if (const auto account = spec::find_user(passwd, user)) {
    spec.identity.uid = account->uid;
    spec.identity.gid = account->gid;
    if (account->home.starts_with('/')) set_env(spec.env, "HOME=" + account->home);
  } else {
    spec.identity.uid = NUCLEUS_TRY(id_number(user));
    spec.identity.gid = spec.identity.uid;
  }
  if (colon != std::string::npos) {
    const std::string name = text.substr(colon + 1);
    const std::string group = NUCLEUS_TRY(container::read_inside(pid, "etc/group"));
    const auto found = spec::find_group(group, name);
    spec.identity.gid = found ? *found : NUCLEUS_TRY(id_number(name));
  }
  if (!isolation::host_id(maps.uids, spec.identity.uid) ||
      !isolation::host_id(maps.gids, spec.identity.gid)) {
    return fail(Kind::usage, 0, "take --user", text, "it is outside of the container's id range");
  }
  return {};
}

// The container's own spec and plan, with what is different for this process.
Result<> prepare(const Wanted& wanted, container::Life& life, spec::ContainerSpec& spec,
                 launch::LaunchPlan& plan) {
  if (spec.shares_host()) {
    return fail(Kind::usage, 0, "execute in a container of", "--isolation landlock",
                "it has no namespaces to join: start the command in a container of its own");
  }
  if (wanted.argv.empty() || wanted.argv.front().empty())
    return fail(Kind::usage, 0, "run nothing", "", "name the command");
  spec.argv = wanted.argv;
  spec.terminal = wanted.terminal;
  if (!wanted.cwd.empty()) {
    spec.cwd = spec::normal_path(wanted.cwd);
    if (spec.cwd.empty()) {
      return fail(Kind::usage, 0, "take this value for --workdir", wanted.cwd,
                  "give an absolute path in the container, without '..'");
    }
  }
  if (!wanted.user.empty())
    NUCLEUS_CHECK(take_user(wanted.user, life.running().pid(), life.decision().maps, spec));
  for (const std::string& item : wanted.env) set_env(spec.env, item);
  plan_further(life, spec, plan);
  plan.rows = wanted.rows;
  plan.columns = wanted.columns;
  return {};
}

}  // namespace

void plan_further(const container::Life& life, spec::ContainerSpec& spec,
                  launch::LaunchPlan& plan) {
  const launch::LaunchPlan& own = life.decision().plan;
  spec.init = false;
  spec.preserve_fds = 0;  // descriptors of whoever started the workload are the workload's alone
  plan.spec = &spec;
  plan.maps = own.maps;
  plan.clone_flags = own.clone_flags;
  plan.facts = own.facts;
  plan.rlimits = own.rlimits;
  plan.filter = own.filter;
  plan.clocks = own.clocks;
  plan.root.places = own.root.places;
  plan.candidates = launch::command_candidates(spec);
}

namespace {

// One that has been killed lets go of its namespaces some time before its end can be seen, and who
// wants to join them meanwhile hears all kinds of errors.
bool is_ending(int pidfd, const Error& error) {
  constexpr int kPatienceMs = 200;
  if (error.errnum != ESRCH && error.errnum != EPERM && error.errnum != EBADF) return false;
  pollfd end{.fd = pidfd, .events = POLLIN, .revents = 0};
  return pidfd < 0 || ::poll(&end, 1, kPatienceMs) != 0;
}

}  // namespace

Execs::~Execs() {
  for (const Exec& exec : execs_) {
    loop_.unwatch(exec.watch);
    loop_.cancel(exec.timer);
  }
}

Result<> Execs::start(ClientId client, container::Life& life, const spec::ContainerSpec& spec,
                      const control::Packet& packet) {
  const Json request = NUCLEUS_TRY(json::parse(packet.text, "the request"));
  const auto wanted = NUCLEUS_TRY(json::read<Wanted>(request, "the request"));
  if (!wanted.terminal && !wanted.detach && packet.fds.size() != 3)
    return fail(Kind::usage, EPROTO, "understand", "the request", "three streams are needed");
  if (std::ranges::any_of(execs_, [&](const Exec& exec) { return exec.client == client; }))
    return fail(Kind::usage, EBUSY, "start", "a second process", "one for each connection");
  spec::ContainerSpec own = spec;
  launch::LaunchPlan plan;
  NUCLEUS_CHECK(prepare(wanted, life, own, plan));
  Exec exec;
  // Not to be mistaken for one that an earlier supervisor has left.
  const std::string leaf = std::to_string(::getpid()) + "-" + std::to_string(++last_);
  exec.leaf = NUCLEUS_TRY(resources::Leaf::create(life.cgroup(), leaf));
  launch::JoinRequest join{
      .pidfd = life.running().pidfd(), .streams = {}, .cgroup = &life.cgroup(), .leaf = &exec.leaf};
  const sys::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (std::size_t stream = 0; stream < 3; ++stream)
    join.streams.at(stream) =
        packet.fds.size() == 3 && !wanted.detach ? packet.fds[stream].get() : nothing.get();
  auto joined = launch::join(plan, join);
  if (!joined) {
    exec.leaf.kill_all();
    exec.leaf.remove();
    if (is_ending(life.running().pidfd(), joined.error()))
      return fail(Kind::usage, ESRCH, "execute in", "the container", "it does not run any more");
    return std::unexpected(joined.error());
  }
  exec.process = std::move(joined->process);
  exec.client = wanted.detach ? 0 : client;
  const pid_t pid = exec.process.pid();
  execs_.push_back(std::move(exec));
  Exec& kept = execs_.back();
  kept.watch = loop_.watch(kept.process.pidfd(), POLLIN, [this, &kept](short) { ended(kept); });
  if (wanted.timeout_ms > 0) {
    kept.timer = loop_.after(std::chrono::milliseconds(wanted.timeout_ms), [this, &kept] {
      kept.timed_out = true;
      kept.timer = 0;
      kill_tree(kept);
    });
  }
  // Only the first word of it: arguments may hold secrets.
  note_("exec_start", {{"command", own.argv.front().substr(0, 256)}, {"pid", std::to_string(pid)}});
  Json answer = {{"started", true}, {"pid", pid}};
  std::vector<int> fds;
  if (joined->terminal.valid()) fds.push_back(joined->terminal.get());
  server_.answer(client, json::dump(answer), fds);
  return {};
}

void Execs::kill_tree(Exec& exec) {
  if (exec.leaf.empty()) {
    sys::kill_tree(exec.process.pid());
  } else {
    exec.leaf.kill_all();
  }
  (void)exec.process.send_signal(SIGKILL);
}

void Execs::ended(Exec& exec) {
  const auto status = exec.process.wait();
  const int signal = status ? status->signal : SIGKILL;
  const int code = exec.timed_out ? 124 : signal != 0 ? 128 + signal : status ? status->code : 125;
  note_("exec_die", {{"code", std::to_string(code)}, {"pid", std::to_string(exec.process.pid())}});
  if (exec.client != 0) {
    Json answer = {{"code", code},
                   {"signal", signal},
                   {"reason", exec.timed_out ? "timeout"
                              : signal != 0  ? "signaled"
                                             : "exited"}};
    server_.answer(exec.client, json::dump(answer));
  }
  forget(exec);
}

void Execs::forget(const Exec& exec) {
  loop_.unwatch(exec.watch);
  loop_.cancel(exec.timer);
  for (auto at = execs_.begin(); at != execs_.end(); ++at) {
    if (&*at != &exec) continue;
    at->leaf.remove();
    execs_.erase(at);
    return;
  }
}

Result<> Execs::send(ClientId client, int signal) {
  for (const Exec& exec : execs_) {
    if (exec.client != client) continue;
    if (signal < 1 || signal > 64)
      return fail(Kind::usage, EINVAL, "send the signal", std::to_string(signal));
    // It leads a session and a group of its own, as a job in a shell does.
    if (::kill(-exec.process.pid(), signal) == 0 || errno == ESRCH) return {};
    return exec.process.send_signal(signal);
  }
  return {};
}

void Execs::client_gone(ClientId client) {
  for (Exec& exec : execs_) {
    if (exec.client != client) continue;
    exec.client = 0;
    kill_tree(exec);
  }
}

void Execs::container_ended() {
  while (!execs_.empty()) ended(execs_.front());
}

}  // namespace nucleus::supervisor
