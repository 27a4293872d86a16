// What strangers have written, fit to be shown on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nucleus {

/// At most `most` bytes of `text`, with '?' for every control character but line feed and tab:
/// those of C1 (U+0080 to U+009F) as well, which some terminals take for escape sequences.
[[nodiscard]] std::string visible_text(std::string_view text, std::size_t most);

}  // namespace nucleus
