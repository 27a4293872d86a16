// A spec and an outcome as text, and back: for the records of containers that live longer than the
// command that started them. Not a format for people: config.json is another.
#pragma once

#include <string>

#include "base/error.h"
#include "spec/container_spec.h"
#include "spec/outcome.h"

namespace nucleus::spec {

[[nodiscard]] std::string to_json(const ContainerSpec& spec);

/// `subject` names the text in errors. What comes back was validated when it was written; it is
/// trusted as far as whoever could write the text is.
[[nodiscard]] Result<ContainerSpec> spec_from_json(const std::string& text,
                                                   const std::string& subject);

}  // namespace nucleus::spec
