// Runs nucleus with all that it starts under ptrace(2): counts the system calls of each of its
// parts, and makes one of them fail, or kills somebody at one of them.
//
// A part ends where another program begins: the child is what runs between clone3 and the execve of
// the init, the starter what runs between the init's clone and the workload's execve.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/sandbox.h"

namespace nucleus::test {

enum class Part { nucleus, spawn, copier, child, init, starter, workload, other };
[[nodiscard]] const char* part_name(Part part);

struct Call {
  Part part{};
  unsigned index = 0;  // among the calls of its part
  long number = 0;
  std::array<std::uint64_t, 6> args{};
};
/// "child 17 openat", with the number where there is no name.
[[nodiscard]] std::string text_of(const Call& call);

/// The call is not made and answers -errnum; close(2) is made all the same, as the kernel does it.
struct Fault {
  Part part{};
  unsigned index = 0;
  int errnum = 0;
};

struct Kill {
  Part part{};  // at which call
  unsigned index = 0;
  bool leaving = false;  // when it comes back, not when it is about to begin
  Part victim{};         // nucleus, init (or the child, before it is that), workload
};

struct Command {
  Who who{};
  std::vector<std::string> words;
  std::vector<std::string> env;
  std::string directory;
  bool without_init = false;
};

struct Traced {
  Ended ended;
  int signal = 0;                 // that ended nucleus itself
  bool hung = false;              // it had to be killed
  std::vector<std::string> left;  // what lived on after nucleus, "pid name"
  std::optional<Call> struck;     // where the fault or the kill happened
  std::vector<Call> calls;        // of all parts but workload and other, when recording
};

/// Blocks until nucleus and everything that it has started is gone. The caller must be a subreaper
/// (prctl(2)), have no other children, and be root.
[[nodiscard]] Traced trace(const Command& command, const std::optional<Fault>& fault,
                           const std::optional<Kill>& kill);

}  // namespace nucleus::test
