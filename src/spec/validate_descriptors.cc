// Descriptors that are handed on from whoever starts nucleus.
#include <algorithm>

#include "spec/validator.h"

namespace nucleus::spec {

void Validator::descriptors() {
  const bool listens = draft_.listen_fds.value_or(false);
  if (draft_.preserve_fds && listens)
    return refuse("--preserve-fds", *draft_.preserve_fds,
                  "--listen-fds says how many: leave it out");
  if (draft_.preserve_fds) {
    std::uint64_t count = 0;
    if (take(parse_number("--preserve-fds", *draft_.preserve_fds, 0, kMostPreserved), count))
      spec_.preserve_fds = static_cast<std::uint32_t>(count);
  }
  if (listens) listening();
  if (spec_.preserve_fds == 0 || !spec_.detach) return;
  refuse(listens ? "--listen-fds" : "--preserve-fds", std::to_string(spec_.preserve_fds),
         "its supervisor starts it again without whoever has them: leave --detach out");
}

// sd_listen_fds(3): the variables say whom they are for. The workload's own number is put in when
// it has one.
void Validator::listening() {
  constexpr const char* kFlag = "--listen-fds";
  constexpr const char* kCure = "start nucleus from a unit with a socket, or leave it out";
  const char* const count = around_.getenv("LISTEN_FDS");
  const char* const pid = around_.getenv("LISTEN_PID");
  if (count == nullptr || pid == nullptr)
    return refuse(kFlag, "", std::string("LISTEN_FDS and LISTEN_PID are not set: ") + kCure);
  if (pid != std::to_string(around_.pid)) {
    return refuse(kFlag, std::string("LISTEN_PID=") + pid,
                  "the descriptors are another process', which has started nucleus in between");
  }
  const auto number = parse_number("LISTEN_FDS", count, 1, kMostPreserved);
  if (!number) {
    return refuse(kFlag, std::string("LISTEN_FDS=") + count,
                  "from 1 to " + std::to_string(kMostPreserved) + " can be handed on");
  }
  for (const char* name : {"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="}) {
    if (has_env(name)) return refuse(kFlag, name, "it sets this: leave it out of --env");
  }
  spec_.preserve_fds = static_cast<std::uint32_t>(*number);
  spec_.env.push_back(std::string("LISTEN_FDS=") + count);
  spec_.env.emplace_back(kListenPid);
  if (const char* const names = around_.getenv("LISTEN_FDNAMES"))
    spec_.env.push_back(std::string("LISTEN_FDNAMES=") + names);
}

}  // namespace nucleus::spec
