#include "container/raw_input.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace nucleus::container {

RawInput::~RawInput() {
  if (!raw_) return;
  // From the background it would stop us, when we are about to end.
  sigset_t stop;
  sigset_t before;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &stop, &before);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

Result<> RawInput::begin() {
  if (::tcgetattr(STDIN_FILENO, &before_) < 0)
    return fail(Kind::runtime, errno, "read the settings of", "the terminal");
  raw_ = true;
  again();
  return {};
}

void RawInput::again() {
  if (!raw_) return;
  termios raw = before_;
  ::cfmakeraw(&raw);
  raw_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

}  // namespace nucleus::container
