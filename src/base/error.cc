#include "base/error.h"

#include <cstring>

namespace nucleus {

std::string errno_text(int errnum) {
  const char* name = ::strerrorname_np(errnum);
  const char* description = ::strerrordesc_np(errnum);
  if (name == nullptr || description == nullptr) return "errno " + std::to_string(errnum);
  return std::string(name) + ": " + description;
}

std::string Error::text() const {
  std::string line = "cannot " + op;
  if (!subject.empty()) line += " '" + subject + "'";
  if (errnum != 0) line += ": " + errno_text(errnum);
  for (const std::string& context : trail) line += " (" + context + ")";
  if (!hint.empty()) line += "; " + hint;
  return line;
}

std::unexpected<Error> fail(Kind kind, int errnum, std::string op, std::string subject,
                            std::string hint) {
  return std::unexpected(Error{.kind = kind,
                               .errnum = errnum,
                               .op = std::move(op),
                               .subject = std::move(subject),
                               .hint = std::move(hint),
                               .trail = {}});
}

Error with_hint(Error error, std::string hint) {
  if (error.hint.empty()) error.hint = std::move(hint);
  return error;
}

Error with_context(Error error, std::string context) {
  error.trail.push_back(std::move(context));
  return error;
}

}  // namespace nucleus
