// How the verbs talk to the supervisor of a container, and what they do where there is none.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "store/journal.h"
#include "store/store.h"

namespace nucleus::cli {

/// The most containers that one call takes.
inline constexpr std::size_t kMany = 1'000'000;

/// Whether there is a supervisor that does what is asked.
[[nodiscard]] bool supervised(const store::Listed& listed);

/// One request, and its answer. Errors: those of the supervisor as well.
[[nodiscard]] Result<nlohmann::ordered_json> ask(const store::Store& store, const std::string& id,
                                                 const nlohmann::ordered_json& request);
/// The same for what may be asked for twice (stop, wait, remove): when the supervisor is killed
/// before it has answered and another one takes over, that one is asked.
[[nodiscard]] Result<nlohmann::ordered_json> ask_whoever(const store::Store& store,
                                                         const std::string& id,
                                                         const nlohmann::ordered_json& request);
[[nodiscard]] Result<nlohmann::ordered_json> ask_text(const store::Store& store,
                                                      const std::string& id,
                                                      const std::string& request);

/// Writes into the journal for a container without a supervisor, which would do so. What was done
/// holds also when it cannot be written down.
void note(const store::Store& store, const store::Entry& entry, const char* event,
          store::Attributes attributes = {});

/// Whether an error says that a supervisor that was there a moment ago has ended: it has done what
/// was wanted of it.
[[nodiscard]] bool is_gone(const Error& error);

/// Prints what was done to: the word that the user gave. Errors: EPIPE.
[[nodiscard]] Result<> print_word(const std::string& word);

}  // namespace nucleus::cli
