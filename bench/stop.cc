#include "stop.h"

#include <initializer_list>
#include <system_error>

namespace nucleus::bench {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

extern "C" void on_signal(int number) {
  if (number != SIGALRM) stop_signal = number;
}

}  // namespace

void install_handlers() {
  struct sigaction action{};
  action.sa_handler = on_signal;  // no SA_RESTART: a wait is to end
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGALRM})
    sigaction(number, &action, nullptr);
}

void check_stop() {
  if (stop_signal != 0) throw Interrupted{.signal = stop_signal};
}

void fail(const std::string& what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace nucleus::bench
