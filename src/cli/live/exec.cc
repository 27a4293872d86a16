// `nucleus exec`: a further process in a running container, as near as a local one: its streams are
// ours, or a terminal of the container's; signals are handed on; its exit code is ours.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/json_fields.h"
#include "base/units.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "container/signals.h"
#include "container/terminal.h"
#include "control/client.h"
#include "sys/event_loop.h"

namespace nucleus::cli {
namespace {

using json::Json;

struct Flags {
  std::optional<std::string> root, workdir, user, timeout;
  std::optional<bool> interactive, terminal, detach;
  std::vector<std::string> env;
};

Result<Json> request_of(const Flags& flags, const std::vector<std::string>& argv) {
  const container::Terminal::Size size = container::Terminal::size();
  Json request;
  request["op"] = "exec";
  request["argv"] = argv;
  request["env"] = Json::array();
  const bool terminal = flags.terminal.value_or(false);
  if (const char* const term = std::getenv("TERM"); terminal && term != nullptr)
    request["env"].push_back(std::string("TERM=") + term);
  for (const std::string& item : flags.env) {
    const std::size_t equals = item.find('=');
    if (item.empty() || equals == 0) {
      return fail(Kind::usage, 0, "take this value for --env", item,
                  "write NAME=VALUE, or NAME to pass on your own value");
    }
    if (equals != std::string::npos) {
      request["env"].push_back(item);
    } else if (const char* const value = std::getenv(item.c_str())) {
      request["env"].push_back(item + "=" + value);
    }
  }
  request["cwd"] = flags.workdir.value_or("");
  request["user"] = flags.user.value_or("");
  request["terminal"] = terminal;
  request["rows"] = size.rows != 0 ? size.rows : 24;
  request["columns"] = size.columns != 0 ? size.columns : 80;
  request["timeout_ms"] = 0;
  if (flags.timeout)
    request["timeout_ms"] = NUCLEUS_TRY(parse_duration("--timeout", *flags.timeout)).count();
  request["detach"] = flags.detach.value_or(false);
  return request;
}

// From the start to the end of it.
class Front {
 public:
  Front(int socket, std::string directory, bool interactive, bool detach)
      : socket_(socket),
        directory_(std::move(directory)),
        interactive_(interactive),
        detach_(detach) {}

  Result<int> run() {
    signal_watch_ = loop_.watch(signals_.fd(), 0, [this](short) { pass_on(); });
    loop_.watch(socket_, POLLIN, [this](short) { hear(); });
    NUCLEUS_CHECK(loop_.run());
    terminal_.drain();
    return code_;
  }

  container::Signals& signals() { return signals_; }

 private:
  void pass_on() {
    while (const auto signal = signals_.next()) {
      if (terminal_.active() && (*signal == SIGWINCH || *signal == SIGCONT)) {
        terminal_.refresh();
        continue;
      }
      const auto said = control::send_packet(
          socket_, json::dump(Json{{"op", "exec-signal"}, {"signal", *signal}}));
      if (!said) end(std::unexpected(said.error()));
    }
  }

  void hear() {
    auto packet = control::await_answer(socket_);
    if (!packet && !started_)
      return end(std::unexpected(control::before_first_answer(packet.error(), directory_)));
    if (!packet) return end(std::unexpected(packet.error()));
    const Json answer = Json::parse(packet->text, nullptr, false);
    if (!answer.is_object()) return;
    if (answer.contains("started")) {
      started_ = true;
      // What came before waits for it.
      loop_.change(signal_watch_, POLLIN);
      if (detach_) return end(0);
      if (packet->fds.empty()) return;
      const auto begun = terminal_.begin(std::move(packet->fds.front()), interactive_, &loop_);
      if (!begun) end(std::unexpected(begun.error()));
      return;
    }
    if (!answer.contains("code")) return;
    if (answer.value("reason", "") == "timeout") complain("killed by --timeout");
    end(answer["code"].get<int>());
  }

  void end(Result<int> code) {
    code_ = std::move(code);
    loop_.stop();
  }

  int socket_;
  std::string directory_;  // the container's
  bool interactive_;
  bool detach_;
  bool started_ = false;
  sys::EventLoop::Id signal_watch_ = 0;
  container::Signals signals_;
  sys::EventLoop loop_;
  container::Terminal terminal_;
  Result<int> code_ = 125;
};

Result<int> execute(const Flags& flags, const std::string& word, const Json& request) {
  const auto store = NUCLEUS_TRY(open_store(flags.root));
  const std::string id = NUCLEUS_TRY(store.resolve(word));
  const auto socket = NUCLEUS_TRY(control::connect_to(store.directory(id)));
  const bool detach = flags.detach.value_or(false);
  const bool terminal = flags.terminal.value_or(false);
  const bool interactive = flags.interactive.value_or(false);
  if (terminal && interactive && ::isatty(STDIN_FILENO) == 0) {
    return fail(Kind::usage, 0, "take --interactive with --tty from", "standard input",
                "it is no terminal: leave --tty out");
  }
  Front front(socket.get(), store.directory(id), interactive, detach);
  NUCLEUS_CHECK(front.signals().hold());
  std::vector<int> streams;
  if (!terminal && !detach) streams = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  const auto said = control::send_packet(socket.get(), json::dump(request), streams);
  if (!said)
    return std::unexpected(control::before_first_answer(said.error(), store.directory(id)));
  return front.run();
}

}  // namespace

int exec_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kExecText);
  parser.bind("root", flags.root);
  parser.bind("interactive", flags.interactive);
  parser.bind("tty", flags.terminal);
  parser.bind("env", flags.env);
  parser.bind("workdir", flags.workdir);
  parser.bind("user", flags.user);
  parser.bind("timeout", flags.timeout);
  parser.bind("detach", flags.detach);
  auto parsed = parser.parse(argc, argv);
  if (!parsed) return complain_of(parsed.error());
  if (parsed->help) return show_help(kExecText);
  std::vector<std::string>& words = parsed->rest;
  // "exec web -- sh" and "exec web sh" are the same.
  if (words.size() > 1 && words[1] == "--") words.erase(words.begin() + 1);
  if (words.size() < 2) {
    complain("nucleus exec takes [FLAGS] CONTAINER COMMAND [ARG...]; see nucleus exec --help");
    return 2;
  }
  const auto request = request_of(flags, {words.begin() + 1, words.end()});
  if (!request) return complain_of(request.error());
  const auto code = execute(flags, words.front(), *request);
  return code ? *code : complain_of(code.error());
}

}  // namespace nucleus::cli
