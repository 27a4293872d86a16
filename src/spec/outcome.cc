#include "spec/outcome.h"

namespace nucleus::spec {

const char* reason_name(Reason reason) {
  switch (reason) {
    case Reason::exited: return "exited";
    case Reason::signaled: return "signaled";
    case Reason::oom: return "oom";
    case Reason::timeout: return "timeout";
    case Reason::pids: return "pids";
    case Reason::seccomp: return "seccomp";
    case Reason::start_failed: return "start-failed";
    case Reason::unhealthy: return "unhealthy";
  }
  return "exited";
}

int exit_code(Kind kind) {
  switch (kind) {
    case Kind::usage: return 2;
    case Kind::not_executable: return 126;
    case Kind::not_found: return 127;
    case Kind::runtime: break;
  }
  return 125;
}

}  // namespace nucleus::spec
