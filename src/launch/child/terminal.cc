// A pseudoterminal of the container's own: pty(7), ioctl_tty(2), TIOCGPTPEER (Linux 4.13).
#include <fcntl.h>
#include <sys/ioctl.h>

#include "launch/child/child.h"
#include "sys/raw.h"

namespace nucleus::launch::child {

namespace raw = sys::raw;

void open_terminal(const Script& script) {
  // Of the host's own /dev the name may be a link; in a new root nothing else than ours is there.
  const long master = raw::call(__NR_openat, AT_FDCWD, raw::address(script.terminal_device),
                                O_RDWR | O_NOCTTY | O_CLOEXEC | (script.own_root ? O_NOFOLLOW : 0));
  check(script, Step::terminal, 0, master);
  const int unlocked = 0;
  check(script, Step::terminal, 1,
        raw::call(__NR_ioctl, master, TIOCSPTLCK, raw::address(&unlocked)));
  const long slave = raw::call(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  check(script, Step::terminal, 2, slave);
  const winsize size{
      .ws_row = script.rows, .ws_col = script.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  check(script, Step::terminal, 3, raw::call(__NR_ioctl, slave, TIOCSWINSZ, raw::address(&size)));
  check(script, Step::terminal, 4, raw::call(__NR_fchown, slave, script.uid, -1));
  for (int stream = 0; stream <= 2; ++stream) {
    check(script, Step::terminal, 5, raw::call(__NR_dup3, slave, stream, 0));
  }
  raw::call(__NR_close, slave);
  Message message{};
  message.kind = MessageKind::terminal;
  check(script, Step::terminal, 7, send(script, message, static_cast<int>(master)));
  raw::call(__NR_close, master);
}

}  // namespace nucleus::launch::child
