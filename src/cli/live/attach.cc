// `nucleus attach`: in front of a container that lives without us, until it ends, or until we leave
// it as it is.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/live/detach_keys.h"
#include "cli/live/flow.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/raw_input.h"
#include "container/signals.h"
#include "container/terminal.h"
#include "control/client.h"
#include "sys/event_loop.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using json::Json;

struct Flags {
  std::optional<std::string> root, keys;
  std::optional<bool> no_stdin, sig_proxy;
};

Json with_size(const char* op, bool input) {
  const container::Terminal::Size size = container::Terminal::size();
  return {{"op", op}, {"input", input}, {"rows", size.rows}, {"columns", size.columns}};
}

class Front {
 public:
  Front(int socket, DetachKeys keys, bool proxy)
      : socket_(socket), keys_(std::move(keys)), proxy_(proxy) {}

  container::Signals& signals() { return signals_; }

  Result<int> run(bool terminal, bool input, std::vector<sys::UniqueFd> streams) {
    proxy_ = proxy_ && !terminal;  // a terminal's keys have their own way in
    const int out = streams.front().get();
    std::optional<container::RawInput> raw;
    if (terminal && input) NUCLEUS_CHECK(raw.emplace().begin());
    raw_ = raw ? &*raw : nullptr;
    out_.emplace(loop_, out, STDOUT_FILENO);
    if (streams.size() > 1) err_.emplace(loop_, streams[1].get(), STDERR_FILENO);
    if (input) {
      in_.emplace(loop_, STDIN_FILENO, out, [this, terminal](std::string& typed) {
        if (terminal && keys_.take(typed)) leave();
      });
    }
    loop_.watch(signals_.fd(), POLLIN, [this](short) { on_signal(); });
    loop_.watch(socket_, POLLIN, [this](short) { hear(); });
    NUCLEUS_CHECK(loop_.run());
    if (!left_) bring_the_rest();
    return code_;
  }

  [[nodiscard]] bool left() const { return left_; }

 private:
  void on_signal() {
    while (const auto signal = signals_.next()) {
      if (*signal == SIGWINCH || *signal == SIGCONT) {
        if (raw_ != nullptr) raw_->again();
        tell(with_size("attach-size", false));
      } else if (proxy_) {
        tell({{"op", "kill"}, {"signal", *signal}});
      } else if (*signal != SIGURG) {
        left_ = true;
        end(128 + *signal);
      }
    }
  }

  void leave() {
    left_ = true;
    end(0);
  }

  void tell(const Json& request) {
    const auto said = control::send_packet(socket_, json::dump(request));
    if (!said && said.error().errnum != EPIPE) end(std::unexpected(said.error()));
  }

  void hear() {
    auto packet = control::await_answer(socket_);
    // A signal that came too late for it is no error of ours.
    if (!packet && packet.error().errnum == ESRCH) return;
    if (!packet) return end(std::unexpected(packet.error()));
    const Json answer = Json::parse(packet->text, nullptr, false);
    if (!answer.is_object()) return;
    if (answer.contains("dropped")) {
      return end(fail(Kind::runtime, 0, "follow", "the container's output",
                      "too much of it was not read in time: attach again"));
    }
    if (!answer.contains("code")) return;
    rest_at_ = answer.value("rest", std::size_t{0});
    if (!packet->fds.empty()) rest_ = std::move(packet->fds.front());
    end(answer["code"].get<int>());
  }

  // First what the sockets still hold, then what they had no room for.
  void bring_the_rest() {
    out_->drain();
    if (err_) err_->drain();
    if (!rest_.valid()) return;
    ::lseek(rest_.get(), 0, SEEK_SET);
    const auto rest = sys::read_all(rest_.get(), "the rest of the output", 64U << 20);
    if (!rest) return;
    out_->add(std::string_view(*rest).substr(0, rest_at_));
    if (err_ && rest->size() > rest_at_) err_->add(std::string_view(*rest).substr(rest_at_));
  }

  void end(Result<int> code) {
    code_ = std::move(code);
    loop_.stop();
  }

  int socket_;
  DetachKeys keys_;
  bool proxy_;
  bool left_ = false;
  container::Signals signals_;
  sys::EventLoop loop_;
  container::RawInput* raw_ = nullptr;
  std::optional<Flow> out_, err_, in_;
  sys::UniqueFd rest_;
  std::size_t rest_at_ = 0;
  Result<int> code_ = 125;
};

Result<int> attach(const Flags& flags, const std::string& word) {
  auto keys = NUCLEUS_TRY(DetachKeys::parse(flags.keys.value_or("ctrl-p,ctrl-q")));
  const auto store = NUCLEUS_TRY(open_store(flags.root));
  const std::string id = NUCLEUS_TRY(store.resolve(word));
  const auto socket = NUCLEUS_TRY(control::connect_to(store.directory(id)));
  Front front(socket.get(), std::move(keys), flags.sig_proxy.value_or(true));
  NUCLEUS_CHECK(front.signals().hold());
  const bool input = !flags.no_stdin.value_or(false);
  auto first = [&]() -> Result<control::Packet> {
    NUCLEUS_CHECK(control::send_packet(socket.get(), json::dump(with_size("attach", input))));
    NUCLEUS_CHECK(front.signals().await(socket.get()));
    return control::await_answer(socket.get());
  }();
  if (!first)
    return std::unexpected(control::before_first_answer(first.error(), store.directory(id)));
  const control::Packet& answer = *first;
  const Json object = NUCLEUS_TRY(json::parse(answer.text, "the supervisor's answer"));
  if (!object.is_object() || answer.fds.empty())
    return fail(Kind::runtime, EPROTO, "understand", "the supervisor's answer");
  const bool terminal = object.value("terminal", false);
  const bool types = object.value("input", false);
  if (terminal && types && ::isatty(STDIN_FILENO) == 0) {
    return fail(Kind::usage, ENOTTY, "type to a terminal from", "standard input",
                "add --no-stdin, which only looks on");
  }
  const auto code = front.run(terminal, types, std::move(first->fds));
  if (front.left() && code && *code == 0) complain("left " + word + " as it is: it goes on");
  return code;
}

}  // namespace

int attach_main(int argc, char** argv) {
  // What follows "--" is a command, and this is exec.
  int words = argc;
  for (int at = 1; at < argc; ++at) {
    if (std::strcmp(argv[at], "--") == 0) words = std::min(words, at);
  }
  Flags flags;
  Parser parser(kAttachText);
  parser.bind("root", flags.root);
  parser.bind("detach-keys", flags.keys);
  parser.bind("no-stdin", flags.no_stdin);
  parser.bind("sig-proxy", flags.sig_proxy);
  const Words parsed = parse_words(parser, kAttachText, words, argv, 1, 1);
  if (parsed.exit) return *parsed.exit;
  const std::string& container = parsed.list.front();
  if (words + 1 >= argc) {
    const auto code = attach(flags, container);
    return code ? *code : complain_of(code.error());
  }
  std::vector<std::string> line = {"exec"};
  if (flags.root) line.insert(line.end(), {"--root", *flags.root});
  if (!flags.no_stdin && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0)
    line.emplace_back("-it");
  line.insert(line.end(), {container, "--"});
  line.insert(line.end(), argv + words + 1, argv + argc);
  std::vector<char*> pointers;
  pointers.reserve(line.size() + 1);
  for (std::string& part : line) pointers.push_back(part.data());
  pointers.push_back(nullptr);
  return exec_main(static_cast<int>(line.size()), pointers.data());
}

}  // namespace nucleus::cli
