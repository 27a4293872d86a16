// A supervisor as a service of systemd's: started by systemd-run(1) as a transient unit, which is
// given its request through a socket. Nothing of the request is on a command line.
#pragma once

#include <array>
#include <string>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {

struct Unit {
  std::string id;           // the container's: the unit is nucleus-ID.service
  std::string description;  // of the unit
  long stop_seconds = 0;    // how long its end may take
};

/// What the supervisor is started with: its request, and where it answers.
using Handed = std::array<sys::UniqueFd, 2>;

/// Starts this program as such a unit, of the system's manager for root, of the user's for others,
/// and hands `handed` to it. Errors: systemd does not run here (Kind::usage); what systemd-run
/// says; the unit ended before it took them.
[[nodiscard]] Result<> start_unit(const Unit& unit, const Handed& handed);

/// In the unit: takes what start_unit() hands over at `address`. Errors: nobody is there, or
/// another user.
[[nodiscard]] Result<Handed> take_handed(const std::string& address);

}  // namespace nucleus::supervisor
