// What the init is told: one flat block, written by launch/freeze into a sealed memfd, mapped
// privately by the init.
//
// Layout: the header, then `slots` 64-bit offsets (candidates, 0, argv, 0, envp, 0), then the
// strings they point to, counted from the block's start. The init turns the offsets into pointers
// in place. Freestanding: plain data.
#pragma once

#include <cstdint>

namespace nucleus::launch::init {

struct Config {
  std::uint64_t size = 0;  // of the whole block
  std::uint32_t candidates = 0;
  std::uint32_t arguments = 0;
  std::uint32_t environment = 0;
  std::uint32_t slots = 0;  // candidates + arguments + environment + 3
  std::uint32_t confirm =
      0;  // after `started`, wait for a `go`: the supervisor reads back what is in force
  std::uint32_t park = 0;       // before the fork, say `parked` and wait for a `go`
  std::uint32_t preserved = 0;  // descriptors from kPreservedFd on for the workload, as 3, 4, ...
  std::uint32_t terminal = 0;   // the streams are one: the workload leads its session
  // There is no pid namespace that would end with the init: it reaps what is orphaned, and kills
  // all that is in its Landlock domain when the workload ends or kEndAll comes.
  std::uint32_t subreaper = 0;
};

/// From the supervisor, by its own hand or by its death (PR_SET_PDEATHSIG); only to a subreaper.
inline constexpr int kEndAll = 30;  // SIGPWR

}  // namespace nucleus::launch::init
