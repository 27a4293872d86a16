// The one error type of nucleus, and the one way to pass it on.
//
// An Error says what was tried (`op`), on which object (`subject`), which errno the kernel gave
// (`errnum`, 0 when the refusal is our own) and what the operator can do (`hint`). Nothing in
// nucleus throws; functions that can fail return Result<T>, and NUCLEUS_TRY hands a failure to the
// caller. `kind` decides the exit code (cli/exit_code.h).
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace nucleus {

enum class Kind {
  usage,           // the command line or a file of the user's is wrong: nothing was created
  runtime,         // the kernel or the host refused
  not_found,       // the workload's program does not exist in the container
  not_executable,  // it exists and cannot be executed
};

struct Error {
  Kind kind = Kind::runtime;
  int errnum = 0;
  std::string op = {};
  std::string subject = {};
  std::string hint = {};
  std::vector<std::string> trail = {};  // context added on the way up, innermost first

  /// One line for a person: "cannot OP 'SUBJECT': ERRNO TEXT (context); HINT".
  [[nodiscard]] std::string text() const;
};

template <typename T = void>
using Result = std::expected<T, Error>;

/// Makes a failed Result. `op` reads after "cannot": "open the volume's source".
[[nodiscard]] std::unexpected<Error> fail(Kind kind, int errnum, std::string op,
                                          std::string subject, std::string hint = "");

/// Adds one line of context to an error that is passed on.
[[nodiscard]] Error with_context(Error error, std::string context);

/// Says what to do, where the error does not say so itself.
[[nodiscard]] Error with_hint(Error error, std::string hint);

/// "ENOENT: No such file or directory"; an unknown number prints as a number.
[[nodiscard]] std::string errno_text(int errnum);

}  // namespace nucleus

// A statement expression, so that it can stand on the right of a declaration. Both compilers accept
// it when pedantic.
#define NUCLEUS_TRY(expr)                                                        \
  __extension__({                                                                \
    auto&& nucleus_try_result = (expr);                                          \
    if (!nucleus_try_result) return std::unexpected(nucleus_try_result.error()); \
    std::move(*nucleus_try_result);                                              \
  })

// The same for Result<void>, whose value cannot be moved.
#define NUCLEUS_CHECK(expr)                                                          \
  do {                                                                               \
    auto&& nucleus_check_result = (expr);                                            \
    if (!nucleus_check_result) return std::unexpected(nucleus_check_result.error()); \
  } while (false)
