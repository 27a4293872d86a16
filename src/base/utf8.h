// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace nucleus {

/// How many bytes the sequence at `at` has; 0: it is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text, std::size_t at);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace nucleus
