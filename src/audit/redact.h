// Command lines without the secrets in them, for what is kept.
#pragma once

#include <string>
#include <vector>

namespace nucleus::audit {

/// What stands for a secret.
inline constexpr const char* kRedacted = "[redacted]";

/// Whether something of this name is taken for a secret: one of the words that it is made of
/// (parted by - _ . or a change to capitals) is "password", "token", "secret" or the like, or it is
/// a key of an API, of access or the like. "tokenizer", "--keyboard" and "author" are none.
[[nodiscard]] bool names_a_secret(const std::string& name);

/// The values behind such names: --token=VALUE, TOKEN=VALUE, "--token VALUE" in two words, header
/// lines (Authorization: Bearer VALUE), and the user's part of a URL. Also within a word that has
/// blanks, as the script behind `sh -c`.
[[nodiscard]] std::vector<std::string> redacted(const std::vector<std::string>& words);

/// The same for one text.
[[nodiscard]] std::string redacted_text(const std::string& text);

}  // namespace nucleus::audit
