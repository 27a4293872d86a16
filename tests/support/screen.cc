#include "support/screen.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace nucleus::test {
namespace {

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char letter : word)
    out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return out + "'";
}

}  // namespace

Screen::Screen(const Sandbox& sandbox, const std::string& command)
    : sandbox_(sandbox), before_(sandbox.recorded().size()) {
  // A server that was told to end still has its socket for a while: the next one takes another.
  static int screens = 0;
  socket_ = sandbox.home() + "/tmux" + std::to_string(++screens);
  sandbox.write("command.sh",
                "export TERM=xterm PS1='> ' NUCLEUS_STATE_DIR=" + quoted(sandbox.state()) +
                    " NUCLEUS=" + quoted(nucleus_path()) + "\ncd " + quoted(sandbox.home()) + "\n" +
                    command + "\necho \"ended=$?\"\nstty -a\nexec sleep 1000\n");
  tmux({"-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
        "exec sh " + sandbox.home() + "/command.sh"});
}

// Who closes the window hangs up on what runs in it.
Screen::~Screen() {
  tmux({"kill-server"});
  EXPECT_TRUE(eventually([&] { return sandbox_.recorded().size() <= before_; }));
}

void Screen::type(const std::vector<std::string>& keys) const {
  std::vector<std::string> words = {"send-keys"};
  words.insert(words.end(), keys.begin(), keys.end());
  tmux(words);
}

void Screen::resize(int columns, int rows) const {
  tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
}

std::string Screen::text() const { return tmux({"capture-pane", "-p"}); }

bool Screen::shows(const std::string& wanted) const {
  const bool seen = eventually([&] { return text().find(wanted) != std::string::npos; });
  if (!seen) ADD_FAILURE() << "the screen never showed '" << wanted << "' but\n" << text();
  return seen;
}

bool Screen::answers(const std::string& line, const std::string& wanted) const {
  const bool seen = eventually([&] {
    type({line, "Enter"});
    ::usleep(100'000);
    return text().find(wanted) != std::string::npos;
  });
  if (!seen) ADD_FAILURE() << "'" << line << "' never brought '" << wanted << "' but\n" << text();
  return seen;
}

std::string Screen::tmux(const std::vector<std::string>& words) const {
  std::string line = ::geteuid() == 0 && !sandbox_.is_root() ? "runuser -u nucleus-test -- " : "";
  line += "tmux -S " + quoted(socket_);
  for (const std::string& word : words) line += " " + quoted(word);
  FILE* const pipe = ::popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string out;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.append(buffer, got);
  ::pclose(pipe);
  return out;
}

}  // namespace nucleus::test
