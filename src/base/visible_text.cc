#include "base/visible_text.h"

namespace nucleus {

std::string visible_text(std::string_view text, std::size_t most) {
  text = text.substr(0, most);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto before = at == 0 ? 0U : static_cast<unsigned char>(text[at - 1]);
    const bool control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    const bool control_of_c1 = before == 0xC2 && byte >= 0x80 && byte < 0xA0;
    if (control_of_c1) out.pop_back();
    out += control || control_of_c1 ? '?' : text[at];
  }
  return out;
}

}  // namespace nucleus
